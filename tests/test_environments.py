"""The conda environments of the rules and the requirements of the Makefile name the same versions."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata

import pytest
import yaml
from conftest import ROOT, Project
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rag_instruct.code import ALL, Code
from rag_instruct.errors import UserError
from rag_instruct.models.source import model_source


def lines_of(name):
    """The requirements of a file, without its comments."""
    lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
    return [line for line in lines if line]


REQUIREMENTS = ("requirements.txt", "requirements-models.txt", "requirements-documents.txt")


def requirements():
    return dict(line.split("==") for name in REQUIREMENTS for line in lines_of(name))


def test_every_pin_of_an_environment_is_the_requirements_pin():
    pins = requirements()
    files = sorted((ROOT / "envs").glob("*.yaml"))
    assert len(files) >= 4
    for path in files:
        for dependency in next(
            d["pip"] for d in yaml.safe_load(path.read_text())["dependencies"] if isinstance(d, dict)
        ):
            name, version = dependency.split("==")
            assert pins.get(name) == version, f"{path.name}: {dependency}, requirements.txt has {pins.get(name)}"
    for path in (ROOT / "envs").glob("*.sh"):
        for name, version in re.findall(r"([\w-]+)==([\w.]+)", path.read_text()):
            assert pins.get(name) == version, f"{path.name}: {name}=={version}"


def test_every_rule_names_an_environment_and_every_environment_is_named():
    named = set()
    for path in (ROOT / "rules").glob("*.smk"):
        rules = [rule for rule in path.read_text().split("\nrule ")[1:] if "shell:" in rule]
        for rule in rules:
            found = re.search(r'conda:\s*"\.\./envs/(\w+\.yaml)"', rule)
            assert found, f"{path.name}: rule {rule.split(':')[0]}"
            named.add(found[1])
    assert named == {path.name for path in (ROOT / "envs").glob("*.yaml")}


def test_every_script_is_a_rule_of_the_same_name_or_says_why_not():
    rules = {
        rule.split(":")[0]
        for path in (ROOT / "rules").glob("*.smk")
        for rule in path.read_text().split("\nrule ")[1:]
        if "shell:" in rule  # unknown_dataset runs nothing
    }
    # A server's command, what make demo and make plan show, the store's tool, the hub's, the filters' marks, an exporter,
    # the tables in docs/scoring.md, and what people ask before and after a training.
    helpers = {"__init__", "serve_gguf", "show_rows", "plan", "answers", "push", "assess_filter", "export_lm_eval"}
    helpers |= {"assess_pairs", "calibrate_evidence", "compare_scorers", "measure_scorers", "estimate_training", "ask"}
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} - helpers == rules


def test_the_lock_has_every_pin_and_what_they_need():
    """Else `make lock` was forgotten. The lock has names and versions only: no address, no hash."""
    lock = [Requirement(line) for line in lines_of("requirements.lock")]
    assert all(re.fullmatch(r"==[\w.]+", str(one.specifier)) and not one.url for one in lock)
    locked = {one.name: one.specifier for one in lock if not one.marker or one.marker.evaluate()}
    files = ("requirements.txt", "requirements-slurm.txt", "requirements-documents.txt", "requirements-dev.txt")
    pins = [Requirement(line) for name in files for line in lines_of(name) if not line.startswith("-r")]
    for pin in pins:
        assert locked[canonicalize_name(pin.name)] == pin.specifier, f"{pin}: renew the lock by `make lock`"
        needed = map(Requirement, metadata.requires(pin.name) or [])
        lacking = {str(one) for one in needed if canonicalize_name(one.name) not in locked and wanted(one)}
        assert not lacking, f"{pin} needs {lacking}: renew the lock by `make lock`"


def wanted(requirement):
    """Whether a package needs it here, without extras."""
    return not requirement.marker or requirement.marker.evaluate({"extra": ""})


# A user may install it beside the environment of the trained models (docs/own_teacher.md).
OPTIONAL = {"vllm"}
PLANNING = ["snakemake", "snakemake-executor-plugin-slurm"]


def test_a_models_missing_package_comes_with_the_file_that_pins_those_of_config_yaml():
    with pytest.raises(UserError, match="'llm_nothing' is not installed") as error:
        model_source("package:llm_nothing/x.gguf")
    named = re.search(r"-r (\S+)", str(error.value))[1]
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines_of(named)}
    used = set(re.findall(r"package:(\w+)/", (ROOT / "config.yaml").read_text("utf-8")))
    assert used
    assert {canonicalize_name(name) for name in used} <= pinned


# As sitecustomize, which Python imports first: these modules and packages are as if they were not installed.
HIDING = """
import sys
from importlib import metadata

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in {hidden!r}:
            raise ModuleNotFoundError(f"{{name}} is hidden", name=name)

def version(name, known=metadata.version):
    if name in {packages!r}:
        raise metadata.PackageNotFoundError(name)
    return known(name)

sys.meta_path.insert(0, Hidden())
metadata.version = version
"""


def with_what_they_need(packages: Iterable[str]) -> set[str]:
    """The names of these packages and of all that they need, directly or not."""
    found: set[tuple[str, str]] = set()
    waiting = [(Requirement(package), "") for package in packages]
    while waiting:
        package, extra = waiting.pop()
        name = canonicalize_name(package.name)
        if (name, extra) in found:
            continue
        found.add((name, extra))
        for one in map(Requirement, installed_requirements(name)):
            if not one.marker or one.marker.evaluate({"extra": extra}):
                waiting += [(one, more) for more in ("", *one.extras)]
    return {name for name, _ in found}


def installed_requirements(name: str) -> list[str]:
    try:
        return metadata.requires(name) or []
    except metadata.PackageNotFoundError:  # of another system, or an extra
        return []


def modules_of(scripts: Iterable[str], code: Code) -> Iterator[tuple[str, str]]:
    """Each foreign module that scripts may import, with the place in our code."""
    reached = code.reached([(f"scripts.{script}", ALL) for script in scripts])
    for (module, name), text in reached.items():
        for sources in re.findall(r"^\w+ = (\[\(.*\)\])$", text, re.M):
            yield from ((source.split(".")[0], f"{module}.{name}") for source, _ in ast.literal_eval(sources))
    for module in {module for module, _ in reached}:
        yield from ((name, module) for name in imported_at_once(module))


def imported_at_once(module: str) -> Iterator[str]:
    """The modules that the top level of a file imports."""
    path = ROOT.joinpath(*module.split("."))
    file = path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py"
    for statement in ast.parse(file.read_text()).body:
        names = [alias.name for alias in statement.names] if isinstance(statement, ast.Import) else []
        names += [statement.module or ""] if isinstance(statement, ast.ImportFrom) else []
        yield from (name.split(".")[0] for name in names)


@pytest.mark.slow
def test_an_environment_has_all_that_the_scripts_of_its_rules_import():
    """With conda, a rule has the packages of its environment and no other."""
    code, packages = Code(ROOT), metadata.packages_distributions()
    texts = "".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    found = re.findall(r"conda:\s*\"\.\./envs/(\w+)\.yaml\"(?:(?!\nrule ).)*?python -m scripts\.(\w+)", texts, re.S)
    assert len(found) > 40
    for environment in {name for name, _ in found}:
        described = yaml.safe_load((ROOT / f"envs/{environment}.yaml").read_text())["dependencies"]
        pins = next(one["pip"] for one in described if isinstance(one, dict))
        later = ROOT / f"envs/{environment}.post-deploy.sh"
        pins += re.findall(r"[\w-]+==[\w.]+", later.read_text()) if later.exists() else []
        have = with_what_they_need(pins)
        for script in [script for name, script in found if name == environment]:
            for module, place in modules_of(script, code):
                known = {canonicalize_name(name) for name in packages.get(module, [module])}
                ours = module in {"rag_instruct", "scripts", *sys.stdlib_module_names, *OPTIONAL}
                assert ours or known & have, (
                    f"envs/{environment}.yaml lacks {module}, which {place} imports for {script}"
                )


def without(packages, folder, *arguments):
    """Run Snakemake on a copy of the project, with a Python that lacks these packages."""
    (folder / "hiding").mkdir()
    (folder / "project").mkdir()
    modules = {name for name, of in metadata.packages_distributions().items() if set(of) <= packages}
    hiding = HIDING.format(hidden=modules, packages=packages)
    (folder / "hiding/sitecustomize.py").write_text(hiding)
    project = Project(folder / "project")
    shutil.copy2(ROOT / "requirements.txt", project.folder)
    environment = {**project.environment(), "PYTHONPATH": str(folder / "hiding")}
    command = [sys.executable, "-m", "snakemake", *arguments]
    return subprocess.run(command, cwd=project.folder, env=environment, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["results/rag_instruct_40k.jsonl", "results/rag_instruct_demo/report.html"])
def test_a_plan_needs_only_snakemake(tmp_path, target):
    """As with a Snakemake of the whole machine, or on the login node of a cluster."""
    have = with_what_they_need(PLANNING)
    hidden = {one.name for one in metadata.distributions() if canonicalize_name(one.name) not in have}
    assert {"torch", "huggingface_hub", "msgspec", "pyarrow", "scipy", "openai"} < hidden
    ran = without(hidden, tmp_path, "-n", "--quiet", "all", "--", target)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
def test_a_run_whose_jobs_lack_packages_names_them_before_anything_runs(tmp_path):
    ran = without({"torch", "msgspec"}, tmp_path, "--cores", "1", "--", "results/rag_instruct_demo.jsonl")
    assert ran.returncode == 1
    assert "lacks 2 of the packages that this run needs (msgspec, torch): install them" in ran.stderr
    assert not (tmp_path / "project/results").exists()
