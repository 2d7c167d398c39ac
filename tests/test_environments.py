"""The conda environments of the rules and the requirements of the Makefile name the same versions."""

import re
from importlib import metadata

import yaml
from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


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
