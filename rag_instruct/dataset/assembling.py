"""Turns pairs into rows: adds noise documents to the source documents, and shuffles both together."""

from collections.abc import Sequence

from rag_instruct.citations import cited, renumbered
from rag_instruct.corpus.passages import Passage
from rag_instruct.dataset.noise import choose_noise
from rag_instruct.files import digest
from rag_instruct.logs import progress
from rag_instruct.reasons import Reason
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.schema import Pair, Reject, Row, RowPassage, Source


def assemble(
    pairs: Sequence[Pair],
    run: Run,
    documents: int,
    beyond: int,
    seed: str,
    corpus_license: str = "unknown",
    choose: str = "window",
) -> tuple[list[Row], list[Reject]]:
    """Return rows with `documents` documents each, and the rejected pairs.

    A row keeps all its source documents; noise documents fill the rest. So a row has no noise if `documents` is 0.

    Documents that the teacher saw and left unused become noise before all others. `choose` says how we choose more: by
    default, from ranks greater than `beyond` (see `choose_noise`). We reject a pair if there are too few documents.

    A pair with a withheld document becomes a row that declines to answer: the row does not have this document, and no
    noise document may answer. The row's answer is `declined`, which the teacher wrote without the withheld document.

    A hash of the seed and the ids chooses the order of the documents. So a document's place does not tell its role.
    """
    rows: list[Row] = []
    rejected: list[Reject] = []
    for pair in progress(pairs, "assembling", len(pairs)):
        passages = run.store[[source.row for source in pair.sources]]
        shown = [
            (passage, source)
            for passage, source in zip(passages, pair.sources, strict=True)
            if source.id != pair.withheld
        ]
        wanted = documents - len(shown)
        noise = choose_noise(choose, pair, run, passages, wanted, beyond, seed)
        if len(noise) < wanted:
            rejected.append(Reject.of(pair, Reason.TOO_FEW_NOISE))
        else:
            rows.append(_row(pair, shown, noise, seed, corpus_license))
    return rows, rejected


def _row(pair: Pair, shown: list[tuple[Passage, Source]], noise: list[Hit], seed: str, corpus_license: str) -> Row:
    documents = [
        (passage, RowPassage(source.id, "source", source.rank, source.score, source.nearest_to))
        for passage, source in shown
    ]
    documents += [
        (hit.passage, RowPassage(hit.passage.id, "noise", hit.rank, round(hit.score, 6), hit.nearest_to))
        for hit in noise
    ]
    documents.sort(key=lambda document: digest(seed, "order", pair.id, document[0].id))
    answer, withheld_answer = (pair.declined, pair.answer) if pair.withheld else (pair.answer, "")
    if pair.cited:
        numbers = _new_numbers(pair, [entry.id for _, entry in documents])
        answer, withheld_answer = renumbered(answer, numbers), renumbered(withheld_answer, numbers)
    return Row(
        question=pair.question,
        answer=answer,
        documents=tuple(passage.document for passage, _ in documents),
        id=pair.id,
        paradigm=pair.paradigm,
        passages=tuple(entry for _, entry in documents),
        hidden_passages=(*pair.hidden, *([pair.withheld] if pair.withheld else [])),
        kind=pair.kind,
        exemplar_id=pair.exemplar_id,
        exemplar=pair.exemplar,
        license=pair.license,
        teacher=pair.teacher,
        prompts=pair.prompts,
        prompt_version=pair.prompt_version,
        request_keys=pair.request_keys,
        corpus_license=corpus_license,
        links=tuple(link for link in pair.links if pair.withheld not in (link.naming, link.named)),
        withheld_answer=withheld_answer,
        cited=pair.cited and bool(cited(answer)),
        unused_passages=tuple(hit.passage.id for hit in noise if hit.passage.id in {one.id for one in pair.unused}),
    )


def _new_numbers(pair: Pair, row_ids: list[str]) -> dict[int, int]:
    """Map the number of each source document in the pair to its number in the row, both from 1.

    `row_ids` are the ids of the row's passages. A withheld document has no number in the row.
    """
    return {number: row_ids.index(one.id) + 1 for number, one in enumerate(pair.sources, start=1) if one.id in row_ids}
