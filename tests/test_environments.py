"""The conda environments of the rules and the requirements of the Makefile name the same versions."""

import re

import yaml
from conftest import ROOT


def requirements():
    lines = [
        line
        for name in ("requirements.txt", "requirements-models.txt")
        for line in (ROOT / name).read_text().splitlines()
    ]
    lines = [line.split("#")[0].strip() for line in lines]
    return dict(line.split("==") for line in lines if line)


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
        rules = path.read_text().split("\nrule ")[1:]
        for rule in rules:
            found = re.search(r'conda:\s*"\.\./envs/(\w+\.yaml)"', rule)
            assert found, f"{path.name}: rule {rule.split(':')[0]}"
            named.add(found[1])
    assert named == {path.name for path in (ROOT / "envs").glob("*.yaml")}


def test_every_script_is_a_rule_of_the_same_name_or_says_why_not():
    rules = {
        name for path in (ROOT / "rules").glob("*.smk") for name in re.findall(r"^rule (\w+):", path.read_text(), re.M)
    }
    # A server's command, what make demo and make plan show, the store's tool, the hub's, the filters' marks, an exporter,
    # the table in docs/scoring.md, and what people ask before and after a training.
    helpers = {"__init__", "serve_gguf", "show_rows", "plan", "answers", "push", "assess_filter", "export_lm_eval"}
    helpers |= {"compare_scorers", "estimate_training", "ask"}
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} - helpers == rules
