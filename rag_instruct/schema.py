"""The types of the records that stages write and later stages read."""

from typing import Any

import msgspec

from rag_instruct.reasons import Reason


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a file. Fields with their default value are not written."""


class Exemplar(Record, frozen=True):
    """An instruction that questions may imitate."""

    id: str  # the set's name, a colon and the row
    source: str  # the set's name
    row: int  # the record's number in the set, from 0
    license: str
    instruction: str
    request_keys: tuple[str, ...] = ()  # keys of the requests of the filter that kept the exemplar


class DroppedExemplar(Exemplar, frozen=True, kw_only=True):
    """An exemplar that cleaning or a filter dropped."""

    reason: str  # a Reason, or a category of the user's own prompt
    detail: str = ""


class Source(Record, frozen=True):
    """A source document of a pair, and its rank in the search that found it."""

    id: str
    row: int  # row of the corpus
    rank: int  # from 1
    score: float
    nearest_to: str = ""  # id of the document whose nearest passages were searched; empty: the exemplar's search


class Link(Record, frozen=True):
    """Why two source documents belong together: the text of one names the other's article."""

    kind: str  # name, or term if the words may also be ordinary words
    naming: str  # id of the passage with the words
    named: str  # id of the passage whose article they name
    words: str


class FirstDocument(Record, frozen=True):
    """The first source document for some exemplars. Others are found by a search for what is near to it."""

    id: str  # the passage's; it is also the id of the query
    row: int  # row of the corpus
    exemplars: tuple[str, ...]


class LinkedDocument(Source, frozen=True, kw_only=True):
    """A passage that is linked to a first document."""

    link: Link


class LinkedDocuments(FirstDocument, frozen=True, kw_only=True):
    """A first document and the passages that are linked to it, the nearest first. Each is of another article."""

    linked: tuple[LinkedDocument, ...]


class Pair(Record, frozen=True):
    """A question and its answer, as the teacher wrote them for a row slot."""

    slot: int
    attempt: int  # number of candidates that the slot tried before this one
    paradigm: str
    id: str
    exemplar_id: str
    exemplar: str
    license: str
    kind: str  # kind of task: question, choice, claim, ...
    sources: tuple[Source, ...]
    hidden: tuple[str, ...]  # ids of passages that state the answer and must not become noise
    question: str
    answer: str
    request_keys: tuple[str, ...]
    teacher: str
    prompts: str
    prompt_version: int
    links: tuple[Link, ...] = ()  # between the source documents
    unused: tuple[Source, ...] = ()  # documents that the teacher saw and left unused; they become noise
    withheld: str = ""  # id of the source document that the row must not have, because its answer declines; or empty
    declined: str = ""  # the answer without the withheld document
    cited: bool = False  # the answers cite `sources` by their numbers, from 1


class RowPassage(Record, frozen=True):
    """The passage of a document in a row."""

    id: str
    role: str  # source or noise
    rank: int
    score: float
    nearest_to: str = ""  # as in Source
    # The lost bits without this source (evidence/gains.py). Of noise: bits per token of the answer that this
    # document saves alone. None: not measured. A demoted document keeps the bits that it had as a source.
    bits: float | None = None
    demoted: bool = False  # it was a source document, but the answer does not need it


class Gain(Record, frozen=True):
    """What documents give under a small model, against random documents. Measured in bits (docs/evidence.md)."""

    answer: float  # bits per token of the answer
    share: float  # the same as a share of the answer's bits with random documents
    # Bits per token of the answer, against each token's cheapest alternative: any one of the draws, or no documents.
    clear: float
    question: float  # bits per token of the question


class RowBits(Record, frozen=True):
    """What the bits say about a row."""

    found: str  # a paradigm
    help: float  # the measure by which documents count as helpful
    gain: Gain  # of all source documents that the row was written with


class Row(Record, frozen=True):
    """A row of the data set. The file has its fields in this order."""

    question: str
    answer: str
    documents: tuple[str, ...]  # "title\ntext" each
    id: str
    paradigm: str
    passages: tuple[RowPassage, ...]  # one for each document, in the same order
    hidden_passages: tuple[str, ...]
    kind: str
    exemplar_id: str
    exemplar: str
    license: str
    teacher: str
    prompts: str
    prompt_version: int
    request_keys: tuple[str, ...]
    corpus_license: str
    links: tuple[Link, ...] = ()  # between the source documents of a multi-document row
    intended_paradigm: str = ""  # the paradigm before verification or evidence changed it, or empty
    unused_passages: tuple[str, ...] = ()  # ids of noise documents that the teacher saw and left unused
    evidence: RowBits | None = None  # None: not measured
    withheld_answer: str = ""  # of a row that declines: the answer that its withheld document would give
    cited: bool = False  # the answer cites `documents` by their numbers, from 1


class Reject(Record, frozen=True):
    """A rejected candidate, pair or row. It has the fields that were known when it was rejected."""

    paradigm: str
    reason: Reason
    detail: str = ""
    repeats: str = ""  # id of the pair or row that has the same question
    slot: int | None = None
    attempt: int | None = None
    id: str = ""
    exemplar_id: str = ""
    exemplar: str = ""
    license: str = ""
    kind: str = ""
    sources: tuple[Source, ...] = ()
    hidden: tuple[str, ...] = ()
    question: str = ""
    answer: str = ""
    documents: tuple[str, ...] = ()
    passages: tuple[RowPassage, ...] = ()
    hidden_passages: tuple[str, ...] = ()
    request_keys: tuple[str, ...] = ()
    teacher: str = ""
    prompts: str = ""
    prompt_version: int | None = None
    links: tuple[Link, ...] = ()
    corpus_license: str = ""
    intended_paradigm: str = ""
    unused: tuple[Source, ...] = ()
    unused_passages: tuple[str, ...] = ()
    evidence: RowBits | None = None
    withheld: str = ""
    declined: str = ""
    withheld_answer: str = ""
    cited: bool = False

    @staticmethod
    def of(rejected: Pair | Row, reason: Reason, detail: str = "", repeats: str = "") -> "Reject":
        """Return a pair or row as a reject."""
        return Reject(**fields_of(rejected), reason=reason, detail=detail, repeats=repeats)


class StoppedRow(Record, frozen=True):
    """A row that a quality filter, the evidence or the verification rejects."""

    id: str
    reason: Reason
    detail: str


class JudgeFindings(Record, frozen=True):
    """From which documents, or from memory, the judge gave the row's answer."""

    documents: int  # number of source documents
    closed_book: bool  # from memory
    with_documents: bool  # from the source documents and memory
    from_documents: bool  # from the source documents alone
    needed: tuple[str, ...] = ()  # ids of source documents that suffice, none superfluous; () if not all do
    noise: tuple[str, ...] = ()  # ids of noise documents from which the question can be answered


class Weighed(Record, frozen=True):
    """What a row's documents are for, by bits."""

    id: str
    intended: str  # the row's paradigm
    found: str  # the paradigm that the bits show
    help: float  # the measure by which documents count as helpful: clear bits, and a part of the question's bits
    gain: Gain  # of all source documents
    unrelated: float  # bits per token of the answer that random documents give, against no documents
    needed: tuple[str, ...]  # ids of the source documents that the answer needs
    lost: dict[str, float]  # by source document: the lost bits without it (see evidence/gains.py)
    noise: dict[str, Gain]  # by noise document: what it gives alone
    answering: tuple[str, ...] = ()  # ids of noise documents that state the answer
    tokens: int = 0  # of the answer
    without_any: float = 0.0  # the lost bits without all source documents


class Verdict(Record, frozen=True):
    """Whether a row has its paradigm, by the judge of the verification or by bits."""

    id: str
    intended: str  # the row's paradigm
    found: str  # a paradigm, or undecided, doubtful or untested
    reason: Reason | None = None  # None: the row passed, or was not tested
    detail: str = ""
    findings: JudgeFindings | None = msgspec.field(default=None, name="evidence")  # None: not tested by a judge
    request_keys: tuple[str, ...] = ()


class Question(Record, frozen=True):
    """One question of a benchmark, as every later stage sees it."""

    id: str
    question: str  # the question, after the conversation before it, if any
    answers: tuple[str, ...]  # accepted answers; for a choice, its label
    choices: tuple[tuple[str, str], ...] = ()  # label (A, B, C, ...) and text; for a closed set, the word is both
    documents: tuple[str, ...] = ()  # documents of the benchmark, "title\ntext" each
    gold_titles: tuple[str, ...] = ()  # titles of the passages with the answer, if known
    gold_passage_ids: tuple[str, ...] = ()

    @property
    def is_closed(self) -> bool:
        """Whether the choices are a closed set of words, such as yes and no. Their labels are their texts."""
        return bool(self.choices) and all(label == text for label, text in self.choices)

    @property
    def asked(self) -> str:
        """The question as a model reads it, with the options or the words that are allowed as answer."""
        if self.is_closed:
            labels = [label for label, _ in self.choices]
            return f"{self.question}\nAnswer {', '.join(labels[:-1])} or {labels[-1]}."
        return "\n".join([self.question, *(f"{label}. {text}" for label, text in self.choices)])


def fields_of(record: Record) -> dict[str, Any]:
    """Return the fields of a record by name, with unchanged values."""
    return {name: getattr(record, name) for name in record.__struct_fields__}
