"""The records that one stage writes and a later stage reads; each type has its one definition here."""

from typing import Any

import msgspec

from rag_instruct.reasons import Reason


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a file. A field that has its default is not written."""


class Exemplar(Record, frozen=True):
    """An instruction that questions may imitate."""

    id: str  # the set's name, a colon and the row
    source: str  # the set's name
    row: int  # of the set's records, from 0
    license: str
    instruction: str
    request_keys: tuple[str, ...] = ()  # of the filter that kept it


class DroppedExemplar(Exemplar, frozen=True, kw_only=True):
    """An exemplar that cleaning or a filter dropped."""

    reason: str  # a Reason, or a category of the user's own prompt
    detail: str = ""


class Query(Record, frozen=True):
    """What is searched for, where it is neither an exemplar nor a pair."""

    id: str
    question: str


class Source(Record, frozen=True):
    """A source document of a pair, and where the exemplar's search found it."""

    id: str
    row: int  # of the corpus
    rank: int  # from 1
    score: float


class Pair(Record, frozen=True):
    """A question and its answer, as the teacher wrote them for a row slot."""

    slot: int
    attempt: int  # candidates of the slot before this one
    paradigm: str
    id: str
    exemplar_id: str
    exemplar: str
    license: str
    kind: str  # of task: question, choice, claim, ...
    sources: tuple[Source, ...]
    hidden: tuple[str, ...]  # ids of passages that state the answer and must not become noise
    question: str
    answer: str
    request_keys: tuple[str, ...]
    teacher: str
    prompts: str
    prompt_version: int


class RowPassage(Record, frozen=True):
    """Where a document of a row comes from."""

    id: str
    role: str  # source or noise
    rank: int
    score: float


class Row(Record, frozen=True):
    """A row of the data set; its fields stand in the file in this order."""

    question: str
    answer: str
    documents: tuple[str, ...]  # "title\ntext" each
    id: str
    paradigm: str
    passages: tuple[RowPassage, ...]  # of the documents, in their order
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
    intended_paradigm: str = ""  # where verification relabelled the row


class Reject(Record, frozen=True):
    """A candidate, pair or row that did not become a row of the data set, with what it had by then."""

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
    corpus_license: str = ""
    intended_paradigm: str = ""

    @staticmethod
    def of(rejected: Pair | Row, reason: Reason, detail: str = "", repeats: str = "") -> "Reject":
        """Return a pair or row as a reject."""
        return Reject(**fields_of(rejected), reason=reason, detail=detail, repeats=repeats)


class StoppedRow(Record, frozen=True):
    """A row that a quality filter or the verification stops."""

    id: str
    reason: Reason
    detail: str


class Evidence(Record, frozen=True):
    """Who could answer a row's question as the row does."""

    documents: int  # of the source
    closed_book: bool  # from memory
    with_documents: bool  # from the source documents and memory
    from_documents: bool  # from the source documents alone
    without: tuple[bool, ...] = ()  # from all but the first, all but the second, ...; asked if all of several suffice
    noise: tuple[str, ...] = ()  # ids of noise documents from which the question can be answered


class Verdict(Record, frozen=True):
    """What the verification found about a row."""

    id: str
    intended: str  # the row's paradigm
    found: str  # a paradigm, or undecided, none or untested
    reason: Reason | None = None  # None: the row passed, or was not tested
    detail: str = ""
    evidence: Evidence | None = None  # None: not tested
    request_keys: tuple[str, ...] = ()


class Question(Record, frozen=True):
    """One question of a benchmark, as every later stage sees it."""

    id: str
    question: str  # what is asked, the conversation so far included where there is one
    answers: tuple[str, ...]  # what is accepted; of a choice, the label
    choices: tuple[tuple[str, str], ...] = ()  # label and text: A, B, C, ...; of a closed set, each word twice
    documents: tuple[str, ...] = ()  # its own context, "title\ntext" each
    gold_titles: tuple[str, ...] = ()  # of the passages that have the answer, where they are known
    gold_passage_ids: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """The question as a model reads it: options under it, or the few words that may be the answer."""
        labels = [label for label, _ in self.choices]
        if labels and all(label == text for label, text in self.choices):
            return f"{self.question}\nAnswer {', '.join(labels[:-1])} or {labels[-1]}."
        return "\n".join([self.question, *(f"{label}. {text}" for label, text in self.choices)])


def fields_of(record: Record) -> dict[str, Any]:
    """Return a record's fields by name, the values as they are."""
    return {name: getattr(record, name) for name in record.__struct_fields__}
