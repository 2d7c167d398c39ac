"""RAG-Instruct's steps as functions for notebooks: import, exact search, synthesis, noise documents, verification.

docs/api.md has an example. A function that cannot do its work raises UserError, whose message says what to do.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np

from rag_instruct.corpus.importing import import_passages
from rag_instruct.corpus.passages import Passage, PassageStore
from rag_instruct.dataset.assembling import assemble
from rag_instruct.dataset.verification import Examiner
from rag_instruct.errors import UserError
from rag_instruct.files import read_json, write_json
from rag_instruct.llm.prompts import Prompt, load_prompt
from rag_instruct.llm.session import Session, with_teacher
from rag_instruct.paradigms import ANY, PARADIGMS, slots
from rag_instruct.project import root
from rag_instruct.record_files import read_records, write_records
from rag_instruct.retrieval.embeddings import embed_shard
from rag_instruct.retrieval.encoder import Encoder, EncoderSettings
from rag_instruct.retrieval.linked_documents import first_documents, linked_documents
from rag_instruct.retrieval.passage_index import PassageIndex
from rag_instruct.retrieval.runs import Hit, Run
from rag_instruct.retrieval.search import search
from rag_instruct.retrieval.vectors import VectorFile, list_shards
from rag_instruct.schema import Exemplar, LinkedDocuments, Pair, Reject, Row, Verdict
from rag_instruct.settings import hint
from rag_instruct.settings.asked import Teacher
from rag_instruct.settings.config import filled
from rag_instruct.settings.explain import validated
from rag_instruct.settings.languages import LANGUAGE_NAMES
from rag_instruct.settings.sources import Passages
from rag_instruct.synthesis.facts import Fact
from rag_instruct.synthesis.search_results import SearchResults
from rag_instruct.synthesis.slots import Origin, Synthesis

__all__ = [
    "Budget", "EncoderSettings", "Exemplar", "Hit", "Pair", "Passage", "PassageIndex", "PassageStore", "Reject",
    "Row", "UserError", "Verdict", "add_noise", "exact_search", "import_corpus", "open_corpus", "open_index",
    "read_rows", "synthesise", "verify", "write_rows",
]  # fmt: skip
Result = TypeVar("Result")
FIRST_DOCUMENTS = 3  # hits for which linked passages are searched
NEAR = 400  # passages near to a first document, among which linked ones are found
NO_COLUMNS: Mapping[str, str] = MappingProxyType({})


class Budget(NamedTuple):
    """The limit of all purchases for one store, with the answers that are in it. None means no limit."""

    dollars: float | None = None
    requests: int | None = None


def import_corpus(
    source: Path, folder: Path, *, columns: Mapping[str, str] = NO_COLUMNS, words: int = 0, split: str = "windows"
) -> PassageStore:
    """Check the passages of a file, write them into `folder` as a random-access store, and open the store.

    `columns` maps id, text and title to the names in the file. If `words` is not 0, documents are cut into passages of
    this number of words, in `windows` or along their `structure`.
    """
    cut = ({"words": words} if words else {}) | ({"split": split} if words or split != "windows" else {})
    validated(Passages, {"path": str(source), "columns": dict(columns), **cut}, "import_corpus")
    folder.mkdir(parents=True, exist_ok=True)
    import_passages(source, columns, words, folder / "passages.arrow", folder / "passages.json", split)
    return open_corpus(folder)


def open_corpus(folder: Path) -> PassageStore:
    """Open a corpus that `import_corpus` wrote, or one of the workflow, such as results/corpora/<corpus>."""
    return PassageStore(folder / "passages.arrow")


def open_index(folder: Path, encoder: EncoderSettings, name: str = "index") -> PassageIndex:
    """Open the vectors in `folder`/`name` of a corpus. If there are none, encode the passages first.

    Vectors that this function made are made again if the corpus or the encoder is another one now.
    `index.best(text, k)` returns the k best passages of the corpus as hits.
    """
    open_corpus(folder)  # raises UserError without a corpus
    vectors, corpus, shards = folder / name, folder / "passages.json", folder / name / "shards.json"
    made_of = vectors / "made_of.json"  # the workflow's own vectors have no such file
    now = {"sha256": read_json(corpus)["sha256"], "encoder": encoder._replace(query_prefix=None)._asdict()}
    if not shards.exists() or (made_of.exists() and read_json(made_of) != now):
        if not made_of.exists() and any(vectors.glob("shard_*")):
            raise UserError(
                f"{vectors}: a run of the workflow has not finished these vectors: finish them with `snakemake --cores "
                f"8 -- {shards}`, or give another `name`"
            )
        vectors.mkdir(exist_ok=True)
        shards.unlink(missing_ok=True)
        write_json(made_of, now)  # before the vectors, so that a call that is killed does not seem to be the workflow
        shard, info = vectors / "shard_00.npy", vectors / "shard_00.json"
        embed_shard(Encoder(encoder), folder / "passages.arrow", corpus, 0, 1, shard, info)
        list_shards([info], corpus, shards)
    return PassageIndex(folder, name, encoder)


def exact_search(queries: np.ndarray, vectors: Path, k: int) -> np.ndarray:
    """Return the k best rows of an .npy of vectors (n, d) for each query (q, d).

    The result has shape (q, k) and the fields `row` and `score`. If there are fewer than k rows, k is their number.
    """
    if k < 1:
        raise UserError(f"k: {k} is too small: the least is 1")
    if not vectors.is_file():
        raise UserError(f"{vectors}: no such file")
    with np.errstate(over="ignore"):
        file, found = VectorFile(vectors), np.ascontiguousarray(queries, np.float32)
    if np.ndim(queries) != 2 or found.shape[1] != file.dimension:
        raise UserError(
            f"the queries have shape {np.shape(queries)}: give (queries, {file.dimension}), as {vectors} has "
            f"{file.dimension} dimensions"
        )
    if not np.isfinite(found).all():
        row = int(np.flatnonzero(~np.isfinite(found).all(axis=1))[0])
        raise UserError(
            f"query {row} (from 0) has a number that is not finite (NaN, infinite, or too large): correct it"
        )
    return search(found, file, k)


def synthesise(
    exemplar: str,
    hits: Sequence[Hit],
    paradigm: str,
    *,
    teacher: Mapping[str, Any],
    store: Path,
    budget: Budget,
    prompts: str = "full",
    seed: str = "1",
    index: PassageIndex | None = None,
    source_words: int = 20,
    language: str = "en",
) -> Pair | Reject:
    """Let a teacher write one question and its answer from the best hits, in the form of the exemplar.

    Source documents have at least `source_words` words. For paradigms with several documents, `index` finds passages
    that are linked to the best hits; without it, the next best hits are taken.

    `teacher` has the keys of a teacher in config.yaml. `store` keeps every answer, so the same call is free the second
    time. `prompts` is a folder in resources/prompts. `language` (ISO 639-1) is that of question and answer. If a filter
    refuses the pair, return a reject with the reason.
    """
    for given, names, argument in ((paradigm, PARADIGMS, "paradigm"), (language, LANGUAGE_NAMES, "language")):
        if given not in names:
            raise UserError(f"{argument}: {given!r} is unknown: {hint(given, names)}")
    described = _checked(teacher)
    prompt = load_prompt(root() / "resources/prompts" / prompts / f"{paradigm}.yaml", language)
    imitated = Exemplar("api", "api", 0, "unknown", exemplar)
    origin = Origin(described["model"], prompts, prompt.version)
    run = cast(Run, _Given(hits, index.store if index else None))
    linked = _linked(imitated, run, index, source_words) if index and PARADIGMS[paradigm].several else None
    facts = _facts(SearchResults.of(run, imitated.id, (linked or {}).get(imitated.id, ()), source_words), prompt)

    async def work(asked: Session) -> Pair | Reject:
        synthesis = Synthesis(
            paradigm, [imitated], run, prompt, asked, bool(exemplar), seed, origin, source_words, linked, facts=facts
        )
        pair = await synthesis.fill(0, slots({ANY: 1}, 0)[0], 1)
        return pair or synthesis.rejects[-1]

    return _with_teacher(described, store, budget, "synthesis", work)


def add_noise(pair: Pair, hits: Sequence[Hit], corpus: PassageStore, *, documents: int = 10, seed: str = "1") -> Row:
    """Make a row from a pair. It has `documents` documents, shuffled: the source documents, and noise from `hits`.

    Search for the question to get `hits`, and leave out the best ranks, because they may state the answer.
    """
    rows, rejected = assemble([pair], cast(Run, _Given(hits, corpus)), documents, 0, seed)
    if rejected:
        raise UserError(f"{len(hits)} hits leave too few noise documents for {documents}: give more hits")
    return rows[0]


def verify(row: Row, *, judge: Mapping[str, Any], store: Path, budget: Budget) -> Verdict:
    """Test with a judge whether a row has its paradigm.

    `findings` of the verdict say from which documents the judge could answer.
    """

    async def work(asked: Session) -> Verdict:
        return await Examiner(asked, root() / "resources/prompts/verification").examine(row)

    return _with_teacher(_checked(judge), store, budget, "verification", work)


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a data set."""
    return list(read_records(path, Row))


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a data set as JSON lines. If it fails, the file does not change."""
    write_records(path, rows)


def _linked(exemplar: Exemplar, run: Run, index: PassageIndex, source_words: int) -> dict[str, list[LinkedDocuments]]:
    found: list[LinkedDocuments] = []
    for first in first_documents([exemplar.id], run, source_words, FIRST_DOCUMENTS):
        near = cast(Run, _Given(index.nearest(first.row, NEAR), index.store))
        found += linked_documents([first], near, source_words)
    return {exemplar.id: [one for one in found if one.linked]}


def _facts(found: SearchResults, prompt: Prompt) -> dict[str, tuple[Fact, ...]]:
    """Return the facts of the passages found, if the prompt asks for them."""
    if prompt.focus != "sentence":
        return {}
    from rag_instruct.synthesis.reading import find_facts  # loads spaCy for seconds

    return {one.passage: one.facts for one in find_facts(found.ranked)}


class _Given:
    """Replaces a run where the hits are given."""

    def __init__(self, hits: Sequence[Hit], store: PassageStore | None = None) -> None:
        self._hits, self.store = list(hits), store

    def hits(self, query: object, beyond: int = 0) -> list[Hit]:
        return self._hits[beyond:]


def _checked(teacher: Mapping[str, Any]) -> dict[str, Any]:
    """Return the teacher's settings with defaults. Raises UserError for a wrong key or value, as for config.yaml."""
    described: dict[str, Any] = filled(dict(teacher), validated(Teacher, dict(teacher), "teacher"))
    return described


def _with_teacher(
    teacher: Mapping[str, Any], store: Path, budget: Budget, stage: str, work: Callable[[Session], Awaitable[Result]]
) -> Result:
    settings = {
        "teachers": {"api": teacher},
        "datasets": {"api": {"budget": budget._asdict()}},
        "answers": str(store),
        "prices": str(root() / "resources/prices.yaml"),
    }
    # We use a new thread, because the thread of a notebook already runs an event loop.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(with_teacher, "api", "api", stage, settings, store / stage, work).result()
