"""What makes a stage stale: its code, near and far, and that of a module it finds by name."""

import json
import re
import time
from functools import partial
from types import SimpleNamespace

import pytest
import yaml
from conftest import ROOT

from rag_instruct.code import Code
from rag_instruct.graph.paid import TEACHER_OF

# An edit must not cost money again, days, or a download; and the preview is stale at every call.
WITHOUT_CODE = set(TEACHER_OF)
WITHOUT_CODE |= {"generate_local", "train", "embed", "download", "download_from_hub", "preview_cost"}


def rules():
    """The text of every rule, by its name."""
    texts = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
    return dict(re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", texts + "\n", re.M))


def test_every_rule_has_its_scripts_code_among_its_params_unless_an_edit_must_not_cost():
    found = rules()
    assert found.keys() > WITHOUT_CODE
    for name, text in found.items():
        script = re.findall(r"python -m scripts\.(\w+)", text)
        code = re.findall(r"^        code=code(?:_for_benchmark)?\(\"(\w+)\"", text, re.M)
        assert code == ([] if name in WITHOUT_CODE else script), f"rule {name}"


def test_the_slurm_profile_names_the_paid_rules():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text("utf-8"))
    assert set(profile["preemptible-rules"]) == set(TEACHER_OF)
    asking = {name for name, text in rules().items() if "requests=" in text}
    assert asking == set(TEACHER_OF), "those rules are all that reserve requests"


def test_every_prompt_of_the_verification_is_its_input():
    prompts = sorted(path.stem for path in (ROOT / "resources/prompts/verification").glob("*.yaml"))
    named = re.findall(r"prompts/verification/\{name\}\.yaml\"\),\s+name=\[(.*)\]", rules()["verify_paradigms"])
    assert [sorted(re.findall(r"\w+", names)) for names in named] == [prompts]


@pytest.fixture
def tree(tmp_path):
    """A small project; `changed` edits a file of it and says which digests are others then."""

    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    def changed(digests, name, text):
        before = digests(Code(tmp_path))
        write({name: text})
        return [old != new for old, new in zip(before, digests(Code(tmp_path)), strict=True)]

    return SimpleNamespace(write=write, changed=changed, folder=tmp_path)


def test_the_digest_follows_packages_and_modules_by_name(tree):
    tree.write(
        {
            "scripts/load.py": "from rag_instruct.sets import Kind\nfrom rag_instruct import reading\nwrite(Kind, reading.A)\n",
            "rag_instruct/__init__.py": "",
            "rag_instruct/reading.py": "A = 1\n",
            "rag_instruct/sets/__init__.py": "class Kind: pass\n",
            "rag_instruct/sets/quiz.py": "from rag_instruct.scoring import score\nQUIZ = score\n",
            "rag_instruct/scoring.py": "from rag_instruct.numbers import two\nscore = two\n",
            "rag_instruct/numbers.py": "two = 2\n",
        }
    )

    def digests(code):
        plain, named = code.of_script("load"), code.of_script("load", "rag_instruct.sets.quiz")
        return plain, named, code.of_script("load", "rag_instruct.sets.quiz", without=["rag_instruct.scoring"])

    changed = partial(tree.changed, digests)
    assert changed("rag_instruct/sets/__init__.py", "class Kind: size = 1\n") == [True, True, True]
    assert changed("rag_instruct/sets/__init__.py", "class Kind: size = 1  # a comment\n") == [False, False, False]
    assert changed("rag_instruct/sets/quiz.py", "from rag_instruct.scoring import score as s\nQUIZ = s\n") == [
        False,
        True,
        True,
    ]
    assert changed("rag_instruct/scoring.py", "from rag_instruct.numbers import two\nscore = -two\n") == [
        False,
        True,
        False,
    ]
    assert changed("rag_instruct/numbers.py", "two = 3\n") == [False, True, False]
    assert changed("rag_instruct/reading.py", "A = 2\n") == [True, True, True]


def test_the_digest_follows_a_name_that_a_package_has_from_another_module(tree):
    tree.write(
        {
            "scripts/load.py": "from rag_instruct.sets import two\nwrite(two)\n",
            "rag_instruct/__init__.py": "",
            "rag_instruct/sets/__init__.py": "from rag_instruct.numbers import two\n",
            "rag_instruct/numbers.py": "two = 2\nthree = 3\n",
        }
    )
    changed = partial(tree.changed, lambda code: [code.of_script("load")])
    assert changed("rag_instruct/numbers.py", "two = 2\nthree = 4\n") == [False]
    assert changed("rag_instruct/numbers.py", "two = 4\nthree = 4\n") == [True]


# A script that reaches `used` of work.py, and what stands beside it.
SCRIPT = "from rag_instruct import cli\nfrom rag_instruct.work import used\n\ndef main(): used(1)\n\ncli.run(main)\n"
WORK = '''"""What work does."""

import math
from rag_instruct.errors import UserError
from rag_instruct.logs import bar, logger
from rag_instruct.steps import registered

FACTOR = 2
TABLE = {}
TABLE["more"] = 3
UNUSED = 5


class Kept:
    """It is kept."""

    size = 4


def used(number: int) -> float:
    """Compute."""
    if number < 0:
        raise UserError(f"{number} is too small")
    if number > 5:
        logger.warning("%d is large", number)
    with bar(f"counting {number}", total=number, unit="row"):
        value = math.sqrt(number) * FACTOR + len(TABLE)
    assert value, "a value"
    return getattr(value, "Kept", value)


def unused() -> int:
    return UNUSED


@registered
def handler() -> int:
    return 7
'''
SAID = {
    "a docstring": ('"""Compute."""', '"""Compute it."""'),
    "a comment": ("    assert", "    # A reason.\n    assert"),
    "an error's text": ("{number} is too small", "{number} is below 0"),
    "an error's text with a computed part": ("is too small", "is not {min(1, number)}"),
    "a message": ('"%d is large", number', '"%s is large: %d", "it", number + 1'),
    "a message more": ("    assert", '    logger.info("done")\n    assert'),
    "a message less": ('    if number > 5:\n        logger.warning("%d is large", number)\n', ""),
    "a bar's label": ("counting {number}", "rows of {number}"),
    "an assertion's text": ('"a value"', '"a value is needed"'),
    "an unrelated function": ("return UNUSED", "return UNUSED + 1"),
    "an unrelated constant": ("UNUSED = 5", "UNUSED = 6"),
}
COMPUTED = {
    "a formula": ("* FACTOR", "/ FACTOR"),
    "a constant that a function uses": ("FACTOR = 2", "FACTOR = 3"),
    "a condition of an error": ("number < 0", "number < 1"),
    "the kind of an error": ("raise UserError(", "raise ValueError("),
    "a message that takes something": ('"%d is large", number', '"%d is large", TABLE.pop("more")'),
    "a bar's total": ("total=number", "total=2"),
    "what an import means": ("import math", "import cmath as math"),
    "what runs at import": ('TABLE["more"] = 3', 'TABLE["more"] = 4'),
    "what a name in a string is": ("size = 4", "size = 5"),
    "what registers itself": ("return 7", "return 8"),
}


def edited(tree, name, old, new):
    """Whether the script is stale after an edit."""
    text = (tree.folder / name).read_text()
    assert old in text
    return tree.changed(lambda code: [code.of_script("load")], name, text.replace(old, new))[0]


@pytest.fixture
def working(tree):
    tree.write({"scripts/load.py": SCRIPT, "rag_instruct/work.py": WORK, "rag_instruct/__init__.py": ""})
    tree.write(
        {"rag_instruct/steps.py": "FOUND = []\n\ndef registered(step):\n    FOUND.append(step)\n    return step\n"}
    )
    tree.write({"rag_instruct/logs.py": "logger, bar = 1, 2\nSECONDS_BETWEEN_LINES = 30\n"})
    tree.write(
        {
            "rag_instruct/errors.py": "class UserError(Exception): pass\n",
            "rag_instruct/cli.py": "def run(main): main()\n",
        }
    )
    return tree


@pytest.mark.parametrize("edit", SAID)
def test_what_is_only_said_or_is_not_reached_makes_nothing_stale(working, edit):
    assert not edited(working, "rag_instruct/work.py", *SAID[edit])


@pytest.mark.parametrize("edit", COMPUTED)
def test_what_is_computed_makes_its_script_stale(working, edit):
    assert edited(working, "rag_instruct/work.py", *COMPUTED[edit])


def test_modules_that_only_say_or_start_things_make_nothing_stale(working):
    assert not edited(working, "rag_instruct/logs.py", "SECONDS_BETWEEN_LINES = 30", "SECONDS_BETWEEN_LINES = 10")
    assert not edited(working, "rag_instruct/cli.py", "main()", "main(), print()")
    assert not edited(working, "rag_instruct/errors.py", "pass", "code = 1")
    assert edited(working, "rag_instruct/steps.py", "return step", "return None"), "unlike one that computes"


def test_a_version_or_a_help_text_makes_nothing_stale(working):
    working.write({"scripts/load.py": SCRIPT + 'parser.add_argument("rows", type=int, help="of them")\n'})
    assert not edited(working, "rag_instruct/__init__.py", "", "__version__ = 2\n")
    assert not edited(working, "scripts/load.py", "of them", "of the set")
    assert edited(working, "scripts/load.py", "type=int", "type=float")


def test_the_digests_of_all_scripts_take_seconds():
    """One of a second each would be minutes of a plan: files are read once for all of them."""
    begun, code = time.process_time(), Code(ROOT)
    digests = {path.stem: code.of_script(path.stem) for path in (ROOT / "scripts").glob("[!_]*.py")}
    assert time.process_time() - begun < 10
    assert len(set(digests.values())) == len(digests)


def test_kept_digests_are_those_of_the_code_as_it_is_now(tree):
    """Each plan and each job on a cluster asks, and to parse the project takes seconds."""
    tree.write({"scripts/load.py": "def main(): return 1\n", "scripts/draw.py": "main = 2\n"})
    kept = tree.folder / "kept.json"

    def both():
        code = Code(tree.folder, kept)
        return code.of_script("load"), code.of_script("draw")

    first = both()
    written = json.loads(kept.read_text())
    marked = {**written, "digests": dict.fromkeys(written["digests"], "as kept")}
    kept.write_text(json.dumps(marked))
    assert both() == ("as kept", "as kept"), "the file is read, not the code"
    tree.write({"scripts/load.py": "def main(): return 3\n"})
    again = both()
    assert again[0] != first[0]
    assert again[1] == first[1]
    for damaged in ("", "[]", "{", '{"version": 1}'):
        kept.write_text(damaged)
        assert both() == again
