"""The records of an evaluation, as its files have them."""

from typing import Any, NotRequired, TypedDict


class Passage(TypedDict):
    """Where a question's document comes from."""

    id: str
    rank: int
    score: Any  # a number, or whatever a file has; None where it has none


class Context(TypedDict):
    """A row of documents.jsonl: the documents of one question."""

    id: str  # the question's
    origin: str  # own, search or file
    documents: list[str]  # "title\ntext" each, the best first
    passages: list[Passage]  # of the documents, in their order; empty for a question's own


class Output(TypedDict):
    """A row of an outputs file: what a model answered."""

    id: str  # the question's
    output: str
    finish_reason: str  # stop, length (cut off) or failed
    documents: int  # how many the model was shown
    left_out: int  # how many did not fit
    request_key: NotRequired[str]  # in the store of answers
    failure: NotRequired[str]


class ScoredOutput(TypedDict):
    """A row of a scores file: one output's scores from 0 to 1, by each rule."""

    id: str
    accuracy: float
    exact_match: float
    f1: float
    paper: float
    finish_reason: str
    left_out: int


class Estimate(TypedDict):
    """A mean, or a difference of means, in percent with its 95 % interval."""

    value: float
    low: float
    high: float


class Score(Estimate):
    """A mean with its standard error too."""

    stderr: float


class Result(TypedDict):
    """The scores of one model on one benchmark, given documents or not."""

    benchmark: str
    given: str  # with_documents or closed_book
    model: str
    n: int
    metric: str
    scores: dict[str, Score]  # by rule
    failed: int
    cut_off: int
    documents_left_out: int


class Contestant(TypedDict):
    """A model, and what it is given."""

    model: str
    given: str


class Gain(Estimate):
    """How much better one contestant is than another on a benchmark, in points."""

    kind: str  # documents (over closed book) or training (over the base model)
    benchmark: str
    before: Contestant
    after: Contestant
    n: int
    p: float  # of the paired test


class Disagreement(TypedDict):
    """An output that the benchmark's own rule and the paper's rule score differently."""

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
    """How many there are, and some of them."""

    count: int
    first: list[Disagreement]


class Published(TypedDict):
    """What others published of one model: its scores by benchmark."""

    label: str
    scores: dict[str, float]


class Description(TypedDict):
    """What config.yaml says of an evaluation."""

    dataset: str
    models: dict[str, dict[str, Any]]  # by name: label, base and what runs it
    benchmarks: dict[str, dict[str, Any]]  # by name: label, kind and metric
    asked: dict[str, Any]  # documents, decoding, max_new_tokens


class Summary(Description):
    """results/<dataset>/evaluation.json."""

    results: list[Result]
    gains: list[Gain]
    retrieval: dict[str, dict[str, Any]]  # by benchmark
    disagreements: Disagreements
    published: list[Published]
