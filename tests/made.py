"""Records with whatever a test does not care about filled in."""

from rag_instruct.schema import Exemplar, Pair, Row, RowPassage, Source


def exemplar(name, text, licence="MIT"):
    """An exemplar of the id `<set>:<row>`."""
    source, _, number = name.rpartition(":")
    return Exemplar(name, source, int(number), licence, text)


def pair(slot, question="What?", sources=(3,), hidden=(), **given):
    """The pair p<slot>; `sources` are rows of the corpus."""
    found = tuple(Source(str(row), row, row + 1, 0.5) for row in sources)
    rest = dict.fromkeys(("kind", "exemplar_id", "exemplar", "license", "teacher", "prompts"), "x")
    given = {"id": f"p{slot}", "paradigm": "p", "answer": "A", "request_keys": ("k",), "prompt_version": 1, **rest, **given}  # fmt: skip
    return Pair(slot=slot, attempt=0, question=question, sources=found, hidden=tuple(hidden), **given)


def row(name, paradigm="single_doc_answer", sources=("Title\nA source.",), noise=("Title\nNoise.",), **given):
    """A row, its source documents before its noise documents."""
    roles = ["source"] * len(sources) + ["noise"] * len(noise)
    passages = tuple(RowPassage(f"{name}/{n}", role, n + 1, 0.5) for n, role in enumerate(roles))
    rest = {
        "question": f"Question {name}?", "answer": "An answer.", "documents": (*sources, *noise), "passages": passages,
        "hidden_passages": (), "kind": "question", "exemplar_id": "set:1", "exemplar": "E?", "license": "MIT", "teacher": "m",
        "prompts": "full", "prompt_version": 1, "request_keys": ("k",), "corpus_license": "CC-BY-SA-3.0",
    }  # fmt: skip
    return Row(id=name, paradigm=paradigm, **{**rest, **given})
