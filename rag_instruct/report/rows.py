"""Pack the rows for the page: columns for search and filters, and blocks of details that are unpacked on demand."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag_instruct.llm.answers import AnswerStore
from rag_instruct.logs import logger, progress
from rag_instruct.report.blocks import block, blocks
from rag_instruct.schema import Row

BUDGET_MB = 55  # the most MB (10^6 bytes) of the packed texts
ROWS_A_BLOCK = 32
EXEMPLARS_A_BLOCK = 256
SAMPLED = 24  # blocks from which the page's size is estimated
# Characters of a noise document that the page may contain; None: all. We take the first value that fits the budget.
OPENINGS = (None, 400, 200, 120, 80, 40, 0)

# In raw answers, these private characters replace the row's own answer and question, which the page has already.
SIGNS = {"answer": "\ue000", "question": "\ue001"}

Replies = Callable[[Row], list[dict[str, Any]]]


@dataclass
class Shown:
    """The packed rows of the page."""

    index: str  # the columns
    details: list[str]
    exemplars: list[str]
    opening: int | None  # characters that are shown of a noise document; None: all
    noise_documents: int
    cut: int  # noise documents that are longer than `opening`


def set_of(row: Row) -> str:
    """Return the name of the set that the row's exemplar comes from."""
    return row.exemplar_id.rsplit(":", 1)[0]


def shown(
    rows: Sequence[Row], places: np.ndarray, tokens: Sequence[int], replies: Replies, budget_mb: float = BUDGET_MB
) -> Shown:
    """Return the packed rows. `places` (n, 2) on the map and `tokens` (n) are in the rows' order."""
    exemplars = list(dict.fromkeys(row.exemplar for row in rows))
    number_of = {text: number for number, text in enumerate(exemplars)}
    index = block(columns(rows, places, tokens))
    texts = list(blocks(exemplars, EXEMPLARS_A_BLOCK))
    left = 1e6 * budget_mb - len(index) - sum(map(len, texts))
    said = [replies(row) for row in progress(rows, "reading the answers", len(rows))]
    opening = _longest(rows, said, number_of, left)
    starts = progress(range(0, len(rows), ROWS_A_BLOCK), "packing rows", -(-len(rows) // ROWS_A_BLOCK))
    packed = [block(_details(rows, said, number_of, start, opening)) for start in starts]
    noise = [len(_text(document)[1]) for row in rows for document, role in _with_roles(row) if role == "noise"]
    cut = 0 if opening is None else sum(length > opening for length in noise)
    return Shown(index, packed, texts, opening, len(noise), cut)


def columns(rows: Sequence[Row], places: np.ndarray, tokens: Sequence[int]) -> dict[str, Any]:
    """Return the columns for search and filters. Paradigm, kind and set are indices into `names`."""
    names: dict[str, list[str]] = {
        "paradigm": list(dict.fromkeys(sorted(row.paradigm for row in rows))),
        "kind": sorted({row.kind for row in rows}),
        "set": sorted({set_of(row) for row in rows}),
    }
    of = {field: {name: number for number, name in enumerate(known)} for field, known in names.items()}
    return {
        "names": names,
        "id": [row.id for row in rows],
        "question": [row.question for row in rows],
        "answer": [row.answer for row in rows],
        "titles": ["\n".join(_titles(row)) for row in rows],
        "paradigm": [of["paradigm"][row.paradigm] for row in rows],
        "kind": [of["kind"][row.kind] for row in rows],
        "set": [of["set"][set_of(row)] for row in rows],
        "x": places[:, 0].tolist(),
        "y": places[:, 1].tolist(),
        "tokens": list(tokens),
    }


def replies_of(store: AnswerStore) -> Replies:
    """Return a function that returns a row's raw answers, in the order of the row's requests."""

    def replies(row: Row) -> list[dict[str, Any]]:
        found = [(key, store.get(key)) for key in row.request_keys]
        return [{"key": key, **_said(reply, row)} for key, reply in found]

    return replies


def _said(reply: Mapping[str, Any] | None, row: Row) -> dict[str, Any]:
    """Return an answer and its finish reason. `short` tells that SIGNS replace the row's own texts."""
    if reply is None:
        return {"text": "", "end": "not in the store", "short": False}
    text, short = reply["text"], not any(sign in reply["text"] for sign in SIGNS.values())
    for name, sign in SIGNS.items() if short else ():
        text = text.replace(said, sign) if (said := getattr(row, name)) else text
    return {"text": text, "end": reply.get("finish_reason") or "", "short": short}


def _longest(rows: Sequence[Row], said: Sequence[Any], number_of: Mapping[str, int], left: float) -> int | None:
    """Return the longest opening whose blocks fit into `left` bytes, estimated from a sample of blocks."""
    starts = range(0, len(rows), ROWS_A_BLOCK)
    sample = starts[:: max(1, len(starts) // SAMPLED)]
    for opening in OPENINGS:
        sizes = [len(block(_details(rows, said, number_of, start, opening))) for start in sample]
        if sum(sizes) * len(starts) / len(sample) <= left:
            return opening
    logger.warning(
        "the page is larger than %d MB, although it contains no texts of noise documents: it may open slowly", BUDGET_MB
    )
    return OPENINGS[-1]


def _details(
    rows: Sequence[Row], said: Sequence[Any], number_of: Mapping[str, int], start: int, opening: int | None
) -> list[dict[str, Any]]:
    part = range(start, min(start + ROWS_A_BLOCK, len(rows)))
    return [_detail(rows[number], said[number], number_of[rows[number].exemplar], opening) for number in part]


def _detail(row: Row, replies: Any, exemplar: int, opening: int | None) -> dict[str, Any]:
    kept = ("exemplar_id", "license", "corpus_license", "teacher", "prompts", "prompt_version", "hidden_passages")
    return {
        **{name: getattr(row, name) for name in kept},
        "withheld": row.withheld_answer,
        "intended": row.intended_paradigm,
        "exemplar": exemplar,
        "documents": list(_documents(row, opening)),
        "links": [[link.naming, link.named, link.words] for link in row.links],
        "replies": replies,
    }


def _documents(row: Row, opening: int | None) -> Iterator[list[Any]]:
    """Yield for each document: title, text, cut characters, role, rank, score, id, bits, demoted. Lists save bytes."""
    for document, passage in zip(row.documents, row.passages, strict=True):
        title, text = _text(document)
        short = text if opening is None or passage.role == "source" else text[:opening]
        place = [passage.rank, round(passage.score, 4), passage.id, passage.bits, passage.demoted]
        yield [title, short, len(text) - len(short), passage.role, *place]


def _text(document: str) -> tuple[str, str]:
    """Return a document's title and text. The title is "" if the document has one line."""
    title, found, text = document.partition("\n")
    return (title, text) if found else ("", document)


def _with_roles(row: Row) -> Iterable[tuple[str, str]]:
    return zip(row.documents, (passage.role for passage in row.passages), strict=True)


def _titles(row: Row) -> list[str]:
    """Return the titles of the source documents."""
    return [_text(document)[0] for document, role in _with_roles(row) if role == "source"]
