"""From pairs to the data set: noise documents beside the source documents, merged in a stable order."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rag_instruct.corpus.passages import Passage
from rag_instruct.errors import UserError
from rag_instruct.files import digest
from rag_instruct.logs import logger, progress
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.schema import Pair, Row
from rag_instruct.words import fold


def gather(chunks: Sequence[list[Pair]], slot_count: int) -> tuple[list[Pair], list[Pair]]:
    """The pairs of all chunks in the order of their slots, and the repeated questions among them.

    Raises UserError when a slot is filled twice or lies outside the plan: the chunks are of
    different plans.
    """
    pairs = sorted((pair for chunk in chunks for pair in chunk), key=lambda pair: pair["slot"])
    numbers = [pair["slot"] for pair in pairs]
    if len(set(numbers)) != len(numbers) or any(number >= slot_count for number in numbers):
        raise UserError(
            f"{len(numbers)} pairs do not fit {slot_count} slots: the chunks are of different plans; make them anew"
        )
    return _unrepeated(pairs, {})


def _unrepeated(pairs: Iterable[dict[str, Any]], seen: dict[str, str]) -> tuple[list[Any], list[Any]]:
    kept, repeated = [], []
    for pair in pairs:
        folded = fold(pair["question"])
        if folded in seen:
            repeated.append({**pair, "reason": "repeated question", "repeats": seen[folded]})
        else:
            seen[folded] = pair["id"]
            kept.append(pair)
    return kept, repeated


def assemble(
    pairs: list[Pair], run: Run, documents: int, beyond: int, seed: str, corpus_license: str = "unknown"
) -> tuple[list[Row], list[Pair]]:
    """Rows of `documents` documents each: the pair's own and noise from beyond rank `beyond`.

    Noise is drawn and all documents are shuffled by digest, so that a document's place says
    nothing. A source document, a hidden one that states the answer, and a text already there are
    never noise. A pair without enough noise is rejected.
    """
    rows: list[Row] = []
    rejected: list[Pair] = []
    for number, pair in enumerate(progress(pairs, "assembling", len(pairs))):
        own = run.store[[source["row"] for source in pair["sources"]]]
        noise = _noise(pair, own, run.hits(number, beyond), documents - len(own), seed)
        if noise is None:
            rejected.append({**pair, "reason": "too few noise documents"})
        else:
            rows.append({**_row(pair, own, noise, seed), "corpus_license": corpus_license})
    return rows, rejected


def _noise(pair: Pair, own: list[Passage], hits: list[Hit], wanted: int, seed: str) -> list[Hit] | None:
    barred = {source["id"] for source in pair["sources"]} | set(pair["hidden"])
    texts = {passage.text for passage in own}
    chosen: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: digest(seed, pair["id"], hit.passage.id)):
        if len(chosen) >= wanted:
            break
        if hit.passage.id not in barred and hit.passage.text not in texts:
            chosen.append(hit)
            texts.add(hit.passage.text)
    return chosen if len(chosen) >= wanted else None


def _row(pair: Pair, own: list[Passage], noise: list[Hit], seed: str) -> Row:
    documents = [
        (passage, {"id": source["id"], "role": "source", "rank": source["rank"], "score": source["score"]})
        for passage, source in zip(own, pair["sources"], strict=True)
    ]
    documents += [
        (hit.passage, {"id": hit.passage.id, "role": "noise", "rank": hit.rank, "score": round(hit.score, 6)})
        for hit in noise
    ]
    documents.sort(key=lambda document: digest(seed, "order", pair["id"], document[0].id))
    kept = ("kind", "exemplar_id", "exemplar", "license", "teacher", "prompts", "prompt_version", "request_keys")
    return {
        "question": pair["question"],
        "answer": pair["answer"],
        "documents": [passage.document for passage, _ in documents],
        "id": pair["id"],
        "paradigm": pair["paradigm"],
        "passages": [passage for _, passage in documents],
        "hidden_passages": pair["hidden"],
        **{name: pair[name] for name in kept},
    }


def merge(
    paradigms: dict[str, list[Row]],
    wanted: dict[str, int],
    seed: str,
    stopped: Mapping[str, dict[str, str]] = MappingProxyType({}),
) -> tuple[list[Row], list[Row], dict[str, Any]]:
    """The data set: of each paradigm its first wanted rows with a question not seen before.

    `stopped` are the rows that a quality filter stops, by id, with their `reason` and `detail`. Returns the
    rows in an order drawn by digest, the rows left out with their reasons, and the counts, which
    must add up.
    """
    rows: list[Row] = []
    left: list[Row] = []
    counts: dict[str, Any] = {}
    seen: dict[str, str] = {}
    for name, quota in wanted.items():
        passed = [row for row in paradigms[name] if row["id"] not in stopped]
        halted = [{**row, **stopped[row["id"]]} for row in paradigms[name] if row["id"] in stopped]
        unique, repeated = _unrepeated(passed, seen)
        surplus = [{**row, "reason": "surplus"} for row in unique[quota:]]
        rows += unique[:quota]
        left += halted + repeated + surplus
        counts[name] = {
            "wanted": quota,
            "rows": min(len(unique), quota),
            "stopped": len(halted),
            "repeated": len(repeated),
            "surplus": len(surplus),
        }
        if len(unique) < quota:
            logger.warning(
                "%s: %d of %d rows, candidates exhausted: raise tries, oversample or the exemplars in config.yaml",
                name, len(unique), quota,
            )  # fmt: skip
    given = sum(len(part) for part in paradigms.values())
    if len(rows) + len(left) != given:
        raise UserError(f"{given} rows came in, {len(rows)} + {len(left)} went out: report this fault")
    rows.sort(key=lambda row: digest(seed, "place", row["id"]))
    return rows, left, counts


def rejects_by_reason(rejects: Iterable[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """How many rejects of each paradigm there are, by reason, the most frequent first."""
    counts: dict[str, Counter[str]] = {}
    for reject in rejects:
        counts.setdefault(reject["paradigm"], Counter())[reject["reason"]] += 1
    return {paradigm: dict(counter.most_common()) for paradigm, counter in sorted(counts.items())}
