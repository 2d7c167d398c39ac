"""The section of config.yaml that describes a data set."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from rag_instruct.paradigms import PARADIGMS
from rag_instruct.settings import hint
from rag_instruct.settings.section import (
    Amount,
    Bounds,
    Maybe,
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

RUNS = ("exemplars", *PARADIGMS)  # what a run may be given for, beside evaluation_<benchmark>
Quota = OrByName[Natural]
Threshold = OrOff[ShareAboveZero]
LANGUAGE = 'as ISO 639-1 has it (quote "no", which YAML reads as false); `false` allows any.'
JACCARD = "The share of common word pairs (Jaccard) from which two {0} count as one; `false` keeps near copies."


def _known_run(name: str) -> str:
    if name not in RUNS and not re.match("evaluation_[a-z]", name):
        raise refusal(f"no queries are called {name!r}: {hint(name, [*RUNS, 'evaluation_<benchmark>'])}")
    return name


class QualityFilters(Section):
    """Checks of all rows together, before they are merged. `false` leaves a check out."""

    language: OrOff[str] = Field(
        "en", description=f"Rows surely of another language are dropped. The wanted one {LANGUAGE}", examples=["de"]
    )
    question_words: OrOff[Bounds] = Field(
        [3, 250], description="The fewest and the most words of a question, options included.", examples=[[5, 100]]
    )
    answer_words: OrOff[Bounds] = Field(
        [1, 800], description="The fewest and the most words of an answer.", examples=[[1, 300]]
    )
    near_duplicates: Threshold = Field(0.8, description=JACCARD.format("questions"), examples=[0.9])
    similar_questions: Threshold = Field(
        0.97, description="The cosine of the questions' vectors from which two questions count as one.", examples=[0.95]
    )


class Verification(Section):
    """A test whether rows have the paradigm that they were written for.

    A judge answers from memory, with the source documents, from them alone, and without each of them. Its answers are
    graded.
    """

    share: Share = Field(0, description="The share of rows that is tested: 0 is off, 1 is all.", examples=[0.1])
    judge: Maybe[str] = Field(None, description="A key of `teachers`; needed unless `share` is 0.", examples=["gpt-4o"])
    failing: Literal["keep", "drop", "relabel"] = Field(
        "drop",
        description="What happens to rows that fail. `relabel` gives them the paradigm that the test found.",
        examples=["relabel"],
    )


class Evaluation(Section):
    """What results/<data set>/evaluation.md compares. Each model is asked with documents and without."""

    benchmarks: list[str] = Field([], description="Keys of `benchmarks`.", examples=[["popqa", "arc"]])
    models: list[str] = Field([], description="Keys of `models`.", examples=[["llama_3_1_8b"]])
    documents: Positive = Field(
        10, description="Documents retrieved for a question that has none of its own.", examples=[5]
    )
    closed_book: bool = Field(True, description="Whether models are also asked without documents.", examples=[False])
    corpus: Maybe[str] = Field(
        None, description="A key of `corpora` to search; left out, the data set's.", examples=["wikipedia"]
    )
    encoder: Maybe[str] = Field(
        None, description="A key of `encoders`; left out, the data set's.", examples=["contriever"]
    )
    contexts: dict[str, str] = Field(
        {},
        description="By benchmark, a file of documents that were already retrieved, as Self-RAG and RAG-Instruct "
        "publish them: records with the question, and `ctxs` or `retrieval_ctxs` with title and text.",
        examples=[{"popqa": "popqa_with_contexts.jsonl"}],
    )
    max_new_tokens: Positive = Field(500, description="The most tokens of an answer.", examples=[100])
    decoding: Literal["greedy", "paper"] = Field(
        "greedy", description="`paper` samples with temperature 0.5 and top-p 0.9.", examples=["paper"]
    )


class Cleaning(Section):
    """Checks of instructions before they are drawn. `false` leaves a check out."""

    language: OrOff[str] = Field(
        "en",
        description=f"Instructions surely of another language are dropped. The wanted one {LANGUAGE}",
        examples=["de"],
    )
    characters: OrOff[Bounds] = Field(
        [12, 1500], description="The fewest and the most characters of an instruction.", examples=[[20, 1000]]
    )
    near_duplicates: Threshold = Field(
        0.8, description=JACCARD.format("instructions, also of two sets,"), examples=[0.9]
    )


class Budget(Section):
    """What a data set may cost over all its jobs and runs."""

    dollars: Maybe[Amount] = Field(None, description="The most dollars.", examples=[50])
    requests: Maybe[int] = Field(None, ge=0, description="The most answered requests.", examples=[10000])


class Paradigms(Section):
    """Rows of each paradigm: a number, or numbers by exemplar set. A paradigm that is left out has no rows."""

    useless_doc: Maybe[Quota] = Field(
        None, description="Rows whose document is related and does not help.", examples=[8000]
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
    """The ranks from which noise documents come."""

    depth: Positive = Field(250, description="Passages retrieved for a new question.", examples=[40])
    beyond: Natural = Field(200, description="Noise documents rank beyond this one.", examples=[20])


class Dataset(Section):
    """A data set."""

    quality_filters: QualityFilters = Field(
        QualityFilters(), description="Checks of all rows before they are merged; `false` leaves a check out."
    )
    verification: Verification = Field(
        Verification(),
        description="A test whether rows have the paradigm that they were written for: a judge answers from memory, "
        "with the source documents, from them alone and without each of them, and its answers are graded.",
    )
    forbidden_licenses: list[str] = Field(
        [],
        description="Licences that no exemplar set or corpus of the data set may have. The build refuses to start.",
        examples=[["CC-BY-NC-4.0"]],
    )
    validation: ShareBelowOne = Field(
        0.02,
        description="The share of rows that is kept from training, in the Parquet files for the hub.",
        examples=[0.1],
    )
    seed: int = Field(1, description="Part of every draw: another seed makes another data set.", examples=[2])
    evaluation: Evaluation = Field(
        Evaluation(), description="The models and benchmarks that results/<data set>/evaluation.md compares."
    )
    corpus: str = Field(description="A key of `corpora`.", examples=["wikipedia"])
    encoder: str = Field(description="A key of `encoders`.", examples=["contriever"])
    exemplars: dict[str, Positive] = Field(
        min_length=1,
        description="By key of `exemplar_sets`, how many instructions the filter looks at. Of two that are alike, the "
        "one of the earlier set stays. So a set that is added at the end changes no other pick.",
        examples=[{"alpaca": 12000, "lmsys": 12000}],
    )
    cleaning: Cleaning = Field(
        Cleaning(), description="What an instruction must be to be drawn; `false` leaves a check out."
    )
    decontaminate: list[str] = Field(
        [],
        description="Keys of `benchmarks` whose questions may be in no exemplar and in no row: 13 words in a row, or "
        "the whole question.",
        examples=[["popqa", "arc"]],
    )
    exemplar_filter: str = Field(
        description="Who keeps the knowledge-intensive exemplars: `heuristic` (free), or a key of `teachers`.",
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
        description="What the data set may cost over all its jobs and runs; left out, there is no limit. No request "
        "starts that could exceed it. Raise it and run again to continue.",
    )
    prompts: str = Field(
        description="A folder of resources/prompts: `full` for capable teachers, `compact` for very small ones.",
        examples=["full"],
    )
    simulate_instructions: bool = Field(
        True, description="Whether questions imitate an exemplar. The paper's ablation turns it off.", examples=[False]
    )
    paradigms: Paradigms = Field(
        description="Rows of each paradigm: a number, or numbers by exemplar set. With numbers by set, an added set "
        "changes no row of the others. A paradigm that is left out has no rows.",
        examples=[{"useless_doc": 8000, "single_doc_answer": 8000}],
    )
    oversample: Amount = Field(
        0.02,
        description="Extra rows, as a share of the wanted ones, to replace duplicates that later stages drop.",
        examples=[0.25],
    )
    tries: Positive = Field(
        4,
        description="Candidates (an exemplar with documents) tried for one row before the build gives it up.",
        examples=[16],
    )
    chunks: Positive = Field(
        1, description="Jobs that share a paradigm's synthesis. The result has the same bytes.", examples=[8]
    )
    runs: dict[Annotated[str, AfterValidator(_known_run)], str] = Field(
        {},
        description="Retrieval runs in TREC's format that replace searches. The key names the queries: `exemplars`, a "
        "paradigm (whose questions need noise documents), or `evaluation_<benchmark>`.",
        examples=[{"exemplars": "bm25.trec"}],
    )
    source_depth: Positive = Field(
        10, description="Passages retrieved for an exemplar. Its source documents are among them.", examples=[20]
    )
    documents: Natural = Field(
        10,
        description="Documents of a row, source and noise together. Source documents always stay, so 0 means no noise.",
        examples=[5],
    )
    noise: Noise = Field(Noise(), description="The ranks from which a row's noise documents come.")
