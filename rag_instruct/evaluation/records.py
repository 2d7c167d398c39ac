"""Types of the records in an evaluation's files."""

from typing import Any, NotRequired, TypedDict


class Passage(TypedDict):
    """The passage that a question's document was made from."""

    id: str
    rank: int  # from 1
    score: Any  # of the search, or as the file of contexts has it; None without a score


class Context(TypedDict):
    """A row of documents.jsonl: the documents of one question."""

    id: str  # the question's
    origin: str  # own, search or file
    documents: list[str]  # "title\ntext" each, the best first
    passages: list[Passage]  # one for each document, in the same order; empty for a question's own documents


class Output(TypedDict):
    """A row of an outputs file: what a model answered."""

    id: str  # the question's
    output: str
    finish_reason: str  # stop, length (cut off) or failed
    documents: int  # number of documents in the prompt
    left_out: int  # number of documents that did not fit
    request_key: NotRequired[str]  # key of the answer in the store
    failure: NotRequired[str]  # why there is no answer


class ScoredOutput(TypedDict):
    """A row of a scores file: the scores of one output by each rule, from 0 to 1."""

    id: str
    accuracy: float
    exact_match: float
    f1: float
    paper: float
    finish_reason: str
    left_out: int


class Estimate(TypedDict):
    """A mean in percent, or a difference of means in points, with its 95 % interval."""

    value: float
    low: float
    high: float


class Score(Estimate):
    """A mean with its 95 % interval and its standard error, in percent."""

    stderr: float


class Result(TypedDict):
    """The scores of one model on one benchmark, with documents or without."""

    benchmark: str
    given: str  # with_documents or closed_book
    model: str
    n: int  # questions
    metric: str  # the benchmark's own rule
    scores: dict[str, Score]  # by rule
    failed: int  # number of outputs that failed
    cut_off: int  # number of outputs that were cut off
    documents_left_out: int


class Contestant(TypedDict):
    """A model with documents, or the same model without."""

    model: str
    given: str  # with_documents or closed_book


class Gain(Estimate):
    """The gain of the contestant `after` over the contestant `before` on a benchmark, in points."""

    kind: str  # documents (compared with closed book) or training (compared with the base model)
    benchmark: str
    before: Contestant
    after: Contestant
    n: int
    p: float  # of the paired test


class Disagreement(TypedDict):
    """An output that the two rules score differently, with its question: a row of disagreements.jsonl."""

    benchmark: str
    given: str
    model: str
    id: str
    ours: float
    paper: float
    question: str
    answers: list[str]
    output: str


class Disagreements(TypedDict):
    """The number of disagreements, and a sample of them."""

    count: int
    first: list[Disagreement]  # the sample: the first ones in the order of their digests


class Published(TypedDict):
    """The published scores of one model by benchmark, in percent."""

    label: str
    scores: dict[str, float]


class Description(TypedDict):
    """The settings of an evaluation, from config.yaml."""

    dataset: str
    models: dict[str, dict[str, Any]]  # by name: label, base model, and checkpoint or teacher
    benchmarks: dict[str, dict[str, Any]]  # by name: label, kind, metric and schema
    asked: dict[str, Any]  # how questions are asked: the settings documents, decoding and max_new_tokens


class Summary(Description):
    """The content of results/<dataset>/evaluation.json."""

    results: list[Result]
    gains: list[Gain]
    retrieval: dict[str, dict[str, Any]]  # by benchmark
    disagreements: Disagreements
    published: list[Published]
