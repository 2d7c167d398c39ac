"""What makes a stage stale: its code, near and far, and that of a module it finds by name."""

from rag_instruct.code import code_of_script


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
