"""What makes a stage stale: its code, near and far, and that of a module it finds by name."""

import re

from conftest import ROOT

from rag_instruct.code import code_of_script

# An edit must not cost money again, days, or a download; and the preview is stale at every call.
WITHOUT_CODE = {"synthesise", "verify_paradigms", "filter_exemplars_by_teacher", "generate_endpoint"}
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


def test_every_prompt_of_the_verification_is_its_input():
    prompts = sorted(path.stem for path in (ROOT / "resources/prompts/verification").glob("*.yaml"))
    named = re.findall(r"prompts/verification/\{name\}\.yaml\",\s+name=\[(.*)\]", rules()["verify_paradigms"])
    assert [sorted(re.findall(r"\w+", names)) for names in named] == [prompts]


def test_the_digest_follows_packages_and_modules_by_name(tmp_path):
    files = {
        "scripts/load.py": "from rag_instruct.sets import Kind\nfrom rag_instruct import reading\n",
        "rag_instruct/__init__.py": "",
        "rag_instruct/reading.py": "A = 1\n",
        "rag_instruct/sets/__init__.py": "class Kind: pass\n",
        "rag_instruct/sets/quiz.py": "from rag_instruct.scoring import score\n",
        "rag_instruct/scoring.py": "from rag_instruct.numbers import two\nscore = two\n",
        "rag_instruct/numbers.py": "two = 2\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def digests():
        plain = code_of_script(tmp_path, "load")
        named = code_of_script(tmp_path, "load", "rag_instruct.sets.quiz")
        return (
            plain,
            named,
            code_of_script(tmp_path, "load", "rag_instruct.sets.quiz", without=["rag_instruct.scoring"]),
        )

    def changed(name, text):
        before = digests()
        (tmp_path / name).write_text(text)
        return [old != new for old, new in zip(before, digests(), strict=True)]

    assert changed("rag_instruct/sets/__init__.py", "class Kind: size = 1\n") == [True, True, True]
    assert changed("rag_instruct/sets/__init__.py", "class Kind: size = 1  # a comment\n") == [False, False, False]
    assert changed("rag_instruct/sets/quiz.py", "from rag_instruct.scoring import score as s\n") == [False, True, True]
    assert changed("rag_instruct/scoring.py", "from rag_instruct.numbers import two\nscore = -two\n") == [
        False,
        True,
        False,
    ]
    assert changed("rag_instruct/numbers.py", "two = 3\n") == [False, True, False]
    assert changed("rag_instruct/reading.py", "A = 2\n") == [True, True, True]
