"""Turns pairs into rows: adds noise documents to the source documents, and shuffles both together."""

from collections.abc import Sequence

from rag_instruct.corpus.passages import Passage
from rag_instruct.dataset.noise import choose_noise
from rag_instruct.files import digest
from rag_instruct.logs import progress
from rag_instruct.reasons import Reason
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.schema import Pair, Reject, Row, RowPassage


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

    A row keeps all its source documents; noise documents fill the rest. So `documents` of 0 means no noise.

    Noise comes from the ranks beyond `beyond`, or as `choose` says (see `noise`). We reject a pair if too few documents
    are left for noise.

    The noise and the order of the documents are chosen by a hash of the seed and the ids. So the place of a document
    does not tell its role.
    """
    rows: list[Row] = []
    rejected: list[Reject] = []
    for pair in progress(pairs, "assembling", len(pairs)):
        own = run.store[[source.row for source in pair.sources]]
        wanted = documents - len(own)
        noise = choose_noise(choose, pair, run, own, wanted, beyond, seed)
        if len(noise) < wanted:
            rejected.append(Reject.of(pair, Reason.TOO_FEW_NOISE))
        else:
            rows.append(_row(pair, own, noise, seed, corpus_license))
    return rows, rejected


def _row(pair: Pair, own: list[Passage], noise: list[Hit], seed: str, corpus_license: str) -> Row:
    documents = [
        (passage, RowPassage(source.id, "source", source.rank, source.score, source.nearest_to))
        for passage, source in zip(own, pair.sources, strict=True)
    ]
    documents += [(hit.passage, RowPassage(hit.passage.id, "noise", hit.rank, round(hit.score, 6))) for hit in noise]
    documents.sort(key=lambda document: digest(seed, "order", pair.id, document[0].id))
    return Row(
        question=pair.question,
        answer=pair.answer,
        documents=tuple(passage.document for passage, _ in documents),
        id=pair.id,
        paradigm=pair.paradigm,
        passages=tuple(passage for _, passage in documents),
        hidden_passages=pair.hidden,
        kind=pair.kind,
        exemplar_id=pair.exemplar_id,
        exemplar=pair.exemplar,
        license=pair.license,
        teacher=pair.teacher,
        prompts=pair.prompts,
        prompt_version=pair.prompt_version,
        request_keys=pair.request_keys,
        corpus_license=corpus_license,
        links=pair.links,
    )
