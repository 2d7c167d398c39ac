"""What docs/ says is checked: quoted messages are in the code, links lead somewhere, examples are valid."""

import ast
import re
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from conftest import ROOT, TIERS

from rag_instruct.settings.config import checked

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("performance/*.md")])
NOT_OURS = (
    "Nothing to be done",
    "MissingRuleException",
    "CUDA out of memory",
    "dictionary update sequence element ...",
    "Python 3.11 to 3.13",
)


def message(node: ast.AST) -> str:
    """The text of a string literal, with ... for what an f-string fills in."""
    if isinstance(node, ast.JoinedStr):
        return "".join(message(value) for value in node.values)
    return node.value if isinstance(node, ast.Constant) else "..."


def messages() -> list[str]:
    sources = [*ROOT.glob("rag_instruct/**/*.py"), *ROOT.glob("scripts/*.py")]
    nodes = [node for path in sources for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    texts = [message(node) for node in nodes if isinstance(node, (ast.JoinedStr, ast.Constant))]
    rules = [path.read_text("utf-8") for path in (ROOT / "rules").rglob("*.smk")]
    return [text for text in texts if isinstance(text, str)] + rules


def quoted() -> list[str]:
    """The messages of troubleshooting.md, as they stand in the first column of its tables."""
    text = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    found = re.findall(r"^\| `((?:[^`]|``)+)`", text, re.M)
    return [said.replace("``", "`") for said in found if not said.startswith(NOT_OURS) and said != "message"]


@pytest.fixture(scope="module")
def known():
    return messages()


@pytest.mark.parametrize("said", quoted())
def test_a_quoted_message_is_in_the_code(said, known):
    parts = [re.escape(part) for part in re.split(r"\.{3,}", said) if part]
    pattern = re.compile(".*?".join(parts), re.S)
    assert any(pattern.search(text) for text in known), "the message reads otherwise by now"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}"


def examples(page: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", page.read_text("utf-8"), re.S)


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=lambda page: page.name)
def test_examples_of_yaml_can_be_read(page):
    for example in examples(page):
        elsewhere = set(re.findall(r"\*(\w+)", example)) - set(re.findall(r"&(\w+)", example))
        defined = "".join(f"_{name}: &{name} {{}}\n" for name in sorted(elsewhere))
        assert yaml.safe_load(defined + dedent(example)) is not None


@pytest.mark.parametrize("page", ["README.md", "docs/own_corpus.md"])
def test_the_first_example_of_an_own_corpus_is_a_valid_configuration(page):
    config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    for section, entries in yaml.safe_load(examples(ROOT / page)[0]).items():
        config[section] |= entries
    config = checked(config, ROOT / "resources/prompts")
    assert config["datasets"]["my_data"]["corpus"] == "notes"


def test_the_table_of_promises_names_tests_of_its_tiers():
    """Of the files that this run has looked into."""
    rows = re.findall(r"^\| .+ \| (`.+`) \| (\w+) \|$", (ROOT / "tests/README.md").read_text("utf-8"), re.M)
    assert len(rows) > 50
    files = {name.partition("::")[0] for name in TIERS}
    for named, tier in rows:
        for name in re.findall(r"`(.+?)`", named):
            assert name.partition("::")[0] not in files or TIERS.get(name) == tier, f"{name} is {TIERS.get(name)}"
            file, _, function = name.partition("::")
            assert f"def {function}(" in (ROOT / "tests" / file).read_text("utf-8"), name


def test_the_table_of_endpoints_names_tests_that_exist():
    cells = [line.split(" | ") for line in (ROOT / "docs/endpoints.md").read_text("utf-8").splitlines()]
    rows = [row[3:] for row in cells if len(row) == 5 and row[3] != "source"]
    assert len(rows) > 90
    for source, named in rows:
        assert re.fullmatch("(seen|documentation|reports|made up)(; older versions: reports)?", source), source
        for name in re.findall(r"`(.+?)`", named):
            file, _, function = name.rpartition("::")
            assert f"def {function}(" in (ROOT / "tests" / (file or "test_habits.py")).read_text("utf-8"), name


def test_every_environment_variable_of_ours_is_explained():
    files = [
        *ROOT.glob("rag_instruct/**/*.py"),
        *ROOT.glob("scripts/*.py"),
        *ROOT.glob("rules/**/*.smk"),
        ROOT / "Makefile",
    ]
    used = {name for path in files for name in re.findall(r"RAG_INSTRUCT_[A-Z_]+", path.read_text("utf-8"))}
    rows = re.findall(r"^\| (`.+?) \|", (ROOT / "docs/settings.md").read_text("utf-8"), re.M)
    explained = {name for row in rows for name in re.findall(r"`([A-Z_]+)", row)}
    assert {name for name in explained if name.startswith("RAG_INSTRUCT_")} == used
    read = {
        name for path in files for name in re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", path.read_text("utf-8"))
    }
    assert not {name for name in read if f"`{name}`" not in (ROOT / "docs/settings.md").read_text("utf-8")}
