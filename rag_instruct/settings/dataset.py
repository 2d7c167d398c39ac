"""The section of config.yaml that describes a data set."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rag_instruct.paradigms import PARADIGMS
from rag_instruct.settings import Settings, hint
from rag_instruct.settings.languages import LANGUAGE_NAMES
from rag_instruct.settings.section import (
    Amount,
    Bounds,
    FileName,
    Maybe,
    Names,
    Natural,
    OrByName,
    OrOff,
    Positive,
    Section,
    Share,
    ShareAboveZero,
    ShareBelowOne,
    refusal,
)
from rag_instruct.settings.sources import Precision

SEARCHES = ("sources", "noise", "evaluation")  # what documents are retrieved for
Retriever = Literal["dense", "bm25", "hybrid"]
RUNS = ("exemplars", "first_documents", *PARADIGMS)  # keys of `runs`; evaluation_<benchmark> is one, too
Quota = OrByName[Natural]
Threshold = OrOff[ShareAboveZero]
ENGLISH = "en"
LANGUAGE = 'Give a code of ISO 639-1 (with quotes for "no", which YAML reads as false); `false` allows any language.'
JACCARD = (
    "Two {0} with at least this share of common word pairs (Jaccard) count as one; `false` keeps near copies. With a "
    "share below 0.7, tens of thousands take long."
)


def _known_stages(value: "str | dict[str, str]") -> "str | dict[str, str]":
    for name in value if isinstance(value, dict) else ():
        if name not in SEARCHES:
            raise refusal(f"no search is called {name!r}: {hint(name, SEARCHES)}")
    return value


def _known_run(name: str) -> str:
    if name not in RUNS and not re.match("evaluation_[a-z]", name):
        raise refusal(f"no queries are called {name!r}: {hint(name, [*RUNS, 'evaluation_<benchmark>'])}")
    return name


def _known_language(code: str) -> str:
    if code not in LANGUAGE_NAMES:
        raise refusal(f"no language has the code {code!r}: give a code of ISO 639-1, such as en, de or zh")
    return code


KnownLanguage = Annotated[str, AfterValidator(_known_language)]


def follow_language(dataset: Settings) -> Settings:
    """Return a data set's settings with the languages of its filters, where they are left out."""
    language = dataset["language"]
    lacking = {"quality_filters": language, "cleaning": language if language == ENGLISH else False}
    return dataset | {part: {"language": default} | dataset[part] for part, default in lacking.items()}


class QualityFilters(Section):
    """Checks of all rows together, before they are merged. `false` switches a check off."""

    language: Maybe[OrOff[KnownLanguage]] = Field(
        None,
        description="Rows that are clearly in another language are dropped. Left out, it is the data set's language. "
        f"{LANGUAGE}",
        examples=["de"],
    )
    question_words: OrOff[Bounds] = Field(
        [2, 250],
        description="The least and the largest number of words of a question, options included.",
        examples=[[5, 100]],
    )
    answer_words: OrOff[Bounds] = Field(
        [1, 800], description="The least and the largest number of words of an answer.", examples=[[1, 300]]
    )
    near_duplicates: Threshold = Field(0.8, description=JACCARD.format("questions"), examples=[0.9])
    similar_questions: Threshold = Field(
        0.97, description="Two questions count as one if the cosine of their vectors is at least this.", examples=[0.95]
    )


class Verification(Section):
    """A test whether rows have their paradigm.

    A judge answers each question from memory, with the source documents, from the documents alone, and without each
    document. Then the judge grades these answers. Superfluous source documents become noise documents, unless too few
    would be left for the paradigm.
    """

    share: Share = Field(0, description="The share of rows that is tested: 0 tests none, 1 tests all.", examples=[0.1])
    judge: Maybe[str] = Field(None, description="A key of `teachers`; needed unless `share` is 0.", examples=["gpt-4o"])
    failing: Literal["keep", "drop", "relabel"] = Field(
        "drop",
        description="What happens to rows that fail. `relabel` gives a row the paradigm that the test found.",
        examples=["relabel"],
    )


class Thresholds(Section):
    """When documents help, state an answer, or are needed. The defaults were calibrated for SmolLM2-135M."""

    helps: Amount = Field(
        0.35,
        description="Documents help if they give at least this number of bits per token: the clear bits of the answer "
        "plus `question_weight` times the bits of the question. Several needed documents help in any case.",
        examples=[0.5],
    )
    question_weight: Amount = Field(0.4, description="What a bit of the question counts.", examples=[0.2])
    lost: Amount = Field(
        20.0,
        description="Documents that do not state the answer help only if question and answer have this number of lost "
        "bits without all of them.",
        examples=[25.0],
    )
    states: Share = Field(
        0.21, description="Documents state the answer if they give this share of its bits.", examples=[0.25]
    )
    needed: Amount = Field(
        5.0,
        description="A document is needed if question and answer have this number of lost bits without it.",
        examples=[10.0],
    )


class Evidence(Section):
    """A free measurement whether documents help: the answer's bits under a small model, with and without them."""

    model: OrOff[str] = Field(
        "smollm2",
        description="A key of `models` with weights of its own (`model`). `false` measures nothing.",
        examples=["llama_3_2_3b"],
    )
    rows: Natural = Field(
        500,
        description="The most rows that are measured, drawn by the seed. A larger number keeps the rows of a smaller "
        "one.",
        examples=[40000],
    )
    failing: Literal["keep", "drop", "relabel"] = Field(
        "keep",
        description="What happens to measured rows whose bits show another paradigm, or whose noise documents state "
        "the answer. `relabel` gives a row the paradigm that the bits show.",
        examples=["drop"],
    )
    thresholds: Thresholds = Field(
        Thresholds(), description="What counts as help. Calibrate them for another model (docs/evidence.md)."
    )


class Evaluation(Section):
    """What results/<data set>/evaluation.md compares. Each model is asked with documents and without."""

    benchmarks: Names[str] = Field([], description="Keys of `benchmarks`.", examples=[["popqa", "arc"]])
    models: Names[str] = Field([], description="Keys of `models`.", examples=[["llama_3_1_8b"]])
    documents: Positive = Field(
        10,
        description="The number of documents that are retrieved for a question without documents of its own.",
        examples=[5],
    )
    closed_book: bool = Field(True, description="Whether models are also asked without documents.", examples=[False])
    corpus: Maybe[str] = Field(
        None, description="A key of `corpora` to search; left out, the data set's corpus.", examples=["wikipedia"]
    )
    encoder: Maybe[str] = Field(
        None, description="A key of `encoders`; left out, the data set's encoder.", examples=["contriever"]
    )
    contexts: dict[str, FileName] = Field(
        {},
        description="For a benchmark, a file of documents that were already retrieved, in the format of Self-RAG and "
        "RAG-Instruct: records with the question, and `ctxs` or `retrieval_ctxs` with title and text.",
        examples=[{"popqa": "popqa_with_contexts.jsonl"}],
    )
    retrievers: Names[Literal["dense", "bm25", "hybrid", "reranked"]] = Field(
        [],
        description="The retrievers that results/<data set>/retrieval.md compares; left out, those of the data set. "
        "`reranked` needs `rerank` of the data set.",
        examples=[["dense", "bm25", "hybrid"]],
    )
    max_new_tokens: Positive = Field(500, description="The largest number of tokens of an answer.", examples=[100])
    decoding: Literal["greedy", "paper"] = Field(
        "greedy", description="`paper` samples with temperature 0.5 and top-p 0.9.", examples=["paper"]
    )


class Cleaning(Section):
    """Checks of instructions before they are drawn. `false` switches a check off."""

    language: Maybe[OrOff[KnownLanguage]] = Field(
        None,
        description="Instructions that are clearly in another language are dropped. Left out, it is `en` for an "
        "English data set and `false` for others, because an instruction gives a question only its form. "
        f"{LANGUAGE}",
        examples=["de"],
    )
    characters: OrOff[Bounds] = Field(
        [12, 1500],
        description="The least and the largest number of characters of an instruction. A Chinese or Japanese character "
        "counts as three.",
        examples=[[20, 1000]],
    )
    near_duplicates: Threshold = Field(
        0.8, description=JACCARD.format("instructions, of the same or different sets,"), examples=[0.9]
    )
    worked_examples: bool = Field(
        True,
        description="Whether instructions that solve an example before they set their task are dropped, because "
        "questions would imitate the example, too.",
        examples=[False],
    )


class Budget(Section):
    """What a data set may cost over all its jobs and runs."""

    dollars: Maybe[Amount] = Field(None, description="The largest sum in dollars.", examples=[50])
    requests: Maybe[int] = Field(None, ge=0, description="The largest number of answered requests.", examples=[10000])


class Paradigms(Section):
    """Rows of each paradigm: a number, or numbers by exemplar set. A paradigm that is left out has no rows."""

    useless_doc: Maybe[Quota] = Field(
        None, description="Rows whose document is related but does not help.", examples=[8000]
    )
    single_doc_support: Maybe[Quota] = Field(
        None, description="Rows whose one document supports the answer without stating it.", examples=[8000]
    )
    multi_doc_support: Maybe[Quota] = Field(
        None, description="Rows whose documents together support the answer without stating it.", examples=[8000]
    )
    single_doc_answer: Maybe[Quota] = Field(
        None, description="Rows whose answer follows from one document.", examples=[{"alpaca": 1600, "lmsys": 1600}]
    )
    multi_doc_answer: Maybe[Quota] = Field(
        None, description="Rows whose answer needs several documents (multi-hop).", examples=[8000]
    )


class Noise(Section):
    """Where noise documents come from."""

    choose: Literal["window", "hard", "random", "mixed"] = Field(
        "window",
        description="`window`: ranks from `beyond` to `depth`, as in the paper. `hard`: the first ranks, without "
        "passages that have the answer's words. `random`: anywhere in the corpus except the ranks up to `depth`. If "
        "`hard` or `random` find too few, documents of the window follow. `mixed`: a third of each.",
        examples=["mixed"],
    )

    depth: Positive = Field(
        250, description="The number of passages that are retrieved for a new question.", examples=[40]
    )
    beyond: Natural = Field(
        200, description="Noise documents have ranks above this number, hard ones up to it.", examples=[20]
    )


class BM25(Section):
    """How BM25, the search by words, weighs a word in a passage."""

    k1: Amount = Field(
        0.9, description="How much a further occurrence of a word adds, compared with the first.", examples=[1.2]
    )
    b: Share = Field(0.4, description="How much the length of a passage counts.", examples=[0.75])


class Rerank(Section):
    """A model that reads a query together with each of its first passages, and puts these passages in a new order."""

    model: str = Field(
        description="A cross-encoder: a hub id, a folder, or package:<module>/<folder>.",
        examples=["BAAI/bge-reranker-v2-m3"],
    )
    revision: Maybe[str] = Field(None, description="A commit, branch or tag of the hub id.", examples=["main"])
    first: Positive = Field(50, description="The number of passages of each query that are reranked.", examples=[100])
    max_length: int = Field(
        512,
        ge=8,
        description="Tokens of query and passage together. Of longer pairs, the longer text is cut first.",
        examples=[1024],
    )
    precision: Precision = Field(
        "float32",
        description="The number type of the computation. `bfloat16` is faster on GPUs and on processors with AMX or "
        "AVX512-BF16.",
        examples=["bfloat16"],
    )
    searches: list[Literal["sources", "noise", "evaluation"]] = Field(
        ["sources", "evaluation"], description="The searches that are reranked.", examples=[["evaluation"]]
    )


class MultiDocuments(Section):
    """The choice of several source documents that belong together."""

    choose: Literal["linked", "next_hits"] = Field(
        "linked",
        description="`linked`: one of the exemplar's best hits, and near passages of other articles that name its "
        "article or that it names. `next_hits`: the exemplar's next best hits, as in the paper.",
        examples=["next_hits"],
    )
    first_documents: Positive = Field(
        3,
        description="The largest number of an exemplar's hits for which linked passages are searched. Each is a query "
        "of the second search. In a very large corpus, nearly every passage has linked ones, and 1 is enough.",
        examples=[1],
    )
    depth: Positive = Field(
        400,
        description="The number of near passages among which linked ones are found; in a smaller corpus, all.",
        examples=[200],
    )


class Dataset(Section):
    """A data set."""

    language: KnownLanguage = Field(
        ENGLISH,
        description="The language of the corpus, in which the teacher writes questions and answers: a code of ISO "
        "639-1, such as `de`. Other languages than English need `prompts: full`.",
        examples=["de"],
    )
    quality_filters: QualityFilters = Field(
        QualityFilters(), description="Checks of all rows before they are merged; `false` switches a check off."
    )
    verification: Verification = Field(
        Verification(),
        description="A test whether rows have their paradigm: a judge answers each question from memory, with the "
        "source documents, from the documents alone and without each document, and grades these answers.",
    )
    evidence: Evidence = Field(
        Evidence(),
        description="A free measurement whether documents help: the answer's bits under a small model, with and "
        "without them. It runs on this machine and makes superfluous source documents noise documents.",
    )
    forbidden_licenses: list[str] = Field(
        [],
        description="Licences. The run does not start if the corpus or an exemplar set has one of them.",
        examples=[["CC-BY-NC-4.0"]],
    )
    validation: ShareBelowOne = Field(
        0.02,
        description="The share of rows for validation: no training uses them; the hub's files list them separately.",
        examples=[0.1],
    )
    seed: int = Field(1, description="The seed of every draw: another seed makes another data set.", examples=[2])
    evaluation: Evaluation = Field(
        Evaluation(), description="The models and benchmarks that results/<data set>/evaluation.md compares."
    )
    corpus: str = Field(description="A key of `corpora`.", examples=["wikipedia"])
    encoder: str = Field(description="A key of `encoders`.", examples=["contriever"])
    retriever: Annotated[OrByName[Retriever], AfterValidator(_known_stages)] = Field(
        "dense",
        description="How passages are found: `dense` by vectors of the encoder, `bm25` by words, `hybrid` by the ranks "
        "in both. One word for all searches, or one for each of `sources`, `noise` and `evaluation`.",
        examples=["hybrid", {"sources": "hybrid", "noise": "dense"}],
    )
    bm25: BM25 = Field(BM25(), description="The parameters of the search by words.")
    rerank: Maybe[Rerank] = Field(
        None,
        description="A cross-encoder that puts the first passages of a search in a new order.",
        examples=[{"model": "BAAI/bge-reranker-v2-m3", "first": 50}],
    )
    exemplars: dict[str, Positive] = Field(
        min_length=1,
        description="For each key of `exemplar_sets`, the number of instructions that are drawn for the filter. Of two "
        "near copies, the draw keeps the one of the earlier set. So a set at the end changes no earlier pick.",
        examples=[{"alpaca": 12000, "lmsys": 12000}],
    )
    cleaning: Cleaning = Field(
        Cleaning(), description="Checks of instructions before they are drawn; `false` switches a check off."
    )
    decontaminate: Names[str] = Field(
        [],
        description="Keys of `benchmarks`. Exemplars and rows that share 13 consecutive words, or a whole question, "
        "with a benchmark are dropped.",
        examples=[["popqa", "arc"]],
    )
    exemplar_filter: str = Field(
        description="The filter that keeps knowledge-intensive exemplars: `heuristic` (free), or a key of `teachers`.",
        examples=["heuristic"],
    )
    exemplars_a_request: Positive = Field(
        10,
        description="Exemplars that a teacher judges in one request, on average. Small models need 1.",
        examples=[1],
    )
    teacher: str = Field(
        description="A key of `teachers`. This model writes questions and answers.", examples=["gpt-4o"]
    )
    budget: Budget = Field(
        Budget(),
        description="What the data set may cost over all its jobs and runs; left out, there is no limit. The run stops "
        "before the budget could be exceeded. To continue, raise the budget and run again.",
    )
    prompts: str = Field(
        description="A folder of resources/prompts: `full` for capable teachers, `compact` for very small ones.",
        examples=["full"],
    )
    simulate_instructions: bool = Field(
        True,
        description="Whether questions imitate an exemplar. An ablation of the paper sets `false`.",
        examples=[False],
    )
    paradigms: Paradigms = Field(
        description="Rows of each paradigm: a number, or numbers by exemplar set. With numbers by set, an added set "
        "changes no rows of the other sets. A paradigm that is left out has no rows.",
        examples=[{"useless_doc": 8000, "single_doc_answer": 8000}],
    )
    citations: bool = Field(
        False,
        description="Whether answers name the documents that each sentence follows from, such as [2]. The paper's "
        "answers have no citations.",
        examples=[True],
    )
    declining: ShareBelowOne = Field(
        0,
        description="The share of `single_doc_answer` and `multi_doc_answer` rows that decline: a document that the "
        "answer needs is withheld, and the answer says what is missing.",
        examples=[0.05],
    )
    oversample: Amount = Field(
        0.02,
        description="The share of extra rows that the run buys in advance to replace rows that later stages drop.",
        examples=[0.25],
    )
    refill: bool = Field(
        True,
        description="Whether dropped pairs are replaced: as long as rows are missing, their slots try the next "
        "candidates, up to `tries`. Pairs are dropped as duplicates, by filters, for lack of noise, by evidence or by "
        "verification.",
        examples=[False],
    )
    tries: Positive = Field(
        4,
        description="The most candidates (an exemplar with documents) that are tried for one row.",
        examples=[16],
    )
    chunks: Positive = Field(
        1,
        description="The number of jobs that share the synthesis of a paradigm. It changes no byte of the result.",
        examples=[8],
    )
    runs: dict[Annotated[str, AfterValidator(_known_run)], FileName] = Field(
        {},
        description="Retrieval runs of other tools that replace searches. The key names the queries: `exemplars`, "
        "`first_documents` (whose linked documents are found; the query ids are passage ids), a paradigm (whose "
        "questions need noise documents), or `evaluation_<benchmark>`.",
        examples=[{"exemplars": "bm25.trec"}],
    )
    source_depth: Positive = Field(
        10,
        description="The number of passages that are retrieved for an exemplar, and from which source documents come.",
        examples=[20],
    )
    source_words: Natural = Field(
        20,
        description="The least number of words of a source document. Pages that only list the subjects of a title are "
        "never source documents.",
        examples=[10],
    )
    multi_documents: MultiDocuments = Field(
        MultiDocuments(),
        description="How `multi_doc_support` and `multi_doc_answer` find source documents that belong together.",
    )
    documents: Natural = Field(
        10,
        description="Documents of a row, source and noise together. Source documents always stay; 0 means no noise "
        "documents.",
        examples=[5],
    )
    noise: Noise = Field(Noise(), description="Where a row's noise documents come from.")
