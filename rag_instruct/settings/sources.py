"""Sections of config.yaml that describe data and encoders: corpora, encoders, exemplar sets, benchmarks."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, model_validator

from rag_instruct.records import is_known
from rag_instruct.records.opening import is_text_encoding
from rag_instruct.settings import Settings
from rag_instruct.settings.section import FileName, Maybe, Parameters, Positive, Section, refusal

LIST = "files.json"  # the list of a download from the hub, in the folder of its files
SHA256 = r"^[0-9a-f]{64}$"
Precision = Literal["float32", "bfloat16"]
SCHEMAS = Literal["sharegpt", "sharegpt_split", "alpaca", "wizardlm", "lmsys", "slimorca", "openorca", "plain"]


def file_name(url: str) -> str:
    """Return the name under which a download is kept: the last part of the address's path, without its query."""
    name = urlsplit(url).path.rsplit("/", 1)[-1]
    return f"url_{name}" if name == LIST else name


def remote_files(config: Settings) -> list[Settings]:
    """Return the settings of all files of corpora and benchmarks that have a `url`. Some have `size` and `sha256`."""
    corpora = config.get("corpora", {}).values()
    files = [file for corpus in corpora for file in (corpus["passages"], *corpus.get("embeddings", {}).values())]
    benchmarks = config.get("benchmarks", {}).values()
    files += [*benchmarks, *(benchmark["ids"] for benchmark in benchmarks if "ids" in benchmark)]
    return [file for file in files if "url" in file]


def _refuse_unknown_kind(url: str | None, key: str = "url") -> None:
    """Refuse an address whose name has no ending that we read, before anything is downloaded."""
    if url and not is_known(Path(file_name(url))) and not file_name(url).lower().endswith(".zip"):
        raise refusal(
            f"{key}: the name {file_name(url)!r} does not end in a kind of file that is read: download the file "
            "yourself, name it by its kind, such as passages.tsv.gz, and give its `path`"
        )


class Columns(Section):
    """The names of the columns in a file of passages."""

    id: Maybe[str] = Field(None, description="The column of ids.", examples=["key"])
    text: Maybe[str] = Field(None, description="The column of texts.", examples=["body"])
    title: Maybe[str] = Field(None, description="The column of titles.", examples=["heading"])


class File(Section):
    """A local file or folder, or a file to download."""

    choices = (("path", "url"),)
    path: Maybe[FileName] = Field(None, description="A local file or folder.", examples=["resources/demo/passages.tsv"])
    url: Maybe[str] = Field(
        None, description="An address to download from.", examples=["https://example.org/passages.tsv.gz"]
    )
    sha256: Maybe[str] = Field(
        None,
        pattern=SHA256,
        description="The download's published SHA-256. A file with another SHA-256 is refused.",
        examples=["c39b020c855a2b5c25ffef3abe4a3b6f9b829ad7dbc14ec3d163d34d7c53ea8d"],
    )
    size: Maybe[int] = Field(None, ge=1, description="The download's size in bytes.", examples=[4694541059])


class Written(Section):
    """How a file is written, where its name and first bytes do not say so."""

    encoding: Maybe[str] = Field(
        None,
        description="The encoding of files that are not UTF-8 and have no byte-order mark.",
        examples=["cp1252"],
    )
    quoted: Maybe[bool] = Field(
        None,
        description="false for a .tsv or .csv file whose fields were joined without quoting: quotes are text. true "
        "for a .tsv file whose quoted fields contain what looks like rows; left out, such a file is refused.",
        examples=[False],
    )
    quote: Maybe[str] = Field(
        None,
        min_length=1,
        max_length=1,
        description="The sign that quotes fields of a .tsv or .csv file, if it is not the double quote.",
        examples=["'"],
    )
    delimiter: Maybe[str] = Field(
        None,
        min_length=1,
        max_length=1,
        description="The sign between the fields of a .tsv or .csv file, if it is not tab or comma.",
        examples=[";"],
    )
    header: Maybe[list[str]] = Field(
        None,
        min_length=1,
        description="The names of the columns of a .tsv or .csv file that has no line with them.",
        examples=[["id", "text"]],
    )
    member: Maybe[str] = Field(
        None,
        description="The file inside a .zip; left out, the archive must have one file of a known kind.",
        examples=["data/dev.json"],
    )
    under: Maybe[str] = Field(
        None,
        description="The key of a JSON object that holds the array of records; a.b stands for b in a, or in each "
        "element of the array a.",
        examples=["data"],
    )
    keyed: Maybe[str] = Field(
        None,
        min_length=1,
        description="The file is a JSON object of records by key. They get the key as the field of this name.",
        examples=["id"],
    )

    @model_validator(mode="after")
    def _known_encoding(self) -> Self:
        if self.encoding and not is_text_encoding(self.encoding):
            raise refusal(f"{self.encoding!r} is no text encoding: give one such as cp1252 or shift_jis")
        return self

    @model_validator(mode="after")
    def _quoted_by_a_sign_of_its_own(self) -> Self:
        if self.quote and self.quoted is False:
            raise refusal("`quote` is the sign that quotes fields, but `quoted: false` says that none does: remove one")
        if self.delimiter and self.delimiter == (self.quote or '"'):
            raise refusal(f"{self.delimiter!r} cannot both separate and quote fields: correct `delimiter` or `quote`")
        return self

    @model_validator(mode="after")
    def _one_layout(self) -> Self:
        if self.under and self.keyed:
            raise refusal("`under` and `keyed` describe two layouts of a file: give one of them")
        return self


class Passages(File, Written):
    """The passages of a corpus, or whole documents that are cut into passages."""

    @model_validator(mode="after")
    def _known_kind(self) -> Self:
        _refuse_unknown_kind(self.url)
        return self

    words: Maybe[int] = Field(
        None,
        ge=10,
        description="Cut documents into passages of this many words. DPR's passages have 100.",
        examples=[100],
    )
    split: Maybe[Literal["windows", "structure"]] = Field(
        None,
        description="How documents are cut: `windows` of exactly `words` words as in DPR (the default), or along the "
        "`structure` of headings, paragraphs and sentences, with at most `words` words.",
        examples=["structure"],
    )
    tokens_of: Maybe[str] = Field(
        None,
        description="A key of `encoders`: `words` then counts the tokens of this encoder in place of words.",
        examples=["minilm"],
    )
    columns: Maybe[Columns] = Field(
        None, description="The names of the columns of id, text and title, if they differ from these words."
    )

    @model_validator(mode="after")
    def _cut_by_words(self) -> Self:
        if self.words is None and (key := next((key for key in ("split", "tokens_of") if getattr(self, key)), "")):
            raise refusal(f"{key} says how documents are cut, which needs `words`: give it, such as 100")
        return self


class Corpus(Section):
    """A collection of passages."""

    passages: Passages = Field(
        description="The passages: a .tsv, .csv, .json, .jsonl or .parquet file, also .gz, .zst or .zip. With `words`, "
        "the file contains whole documents; then a folder of .txt, .md, .html, .docx and .pdf files is possible, too."
    )
    shards: Positive = Field(
        description="The number of parts that are embedded and searched separately. With `embeddings`: the number of "
        "their files.",
        examples=[16],
    )
    embeddings: Maybe[dict[str, File]] = Field(
        None,
        description="Existing vectors, by encoder: a tar or a folder of the files passages_00, passages_01 and so on. "
        "Each file is a pickle of (ids, vectors). For other encoders, the workflow embeds the corpus.",
        examples=[{"contriever": {"path": "wikipedia_embeddings"}}],
    )
    index: str = Field(
        "exact",
        pattern=r"^[A-Za-z0-9_,()-]+$",
        description="How `scripts.ask` searches: `exact`, or a factory string of faiss, for an answer within a second "
        "over millions of passages. Data sets and evaluations always search exactly.",
        examples=["IVF4096,PQ96"],
    )
    license: Maybe[str] = Field(
        None, description="The corpus's licence; left out, it counts as unknown.", examples=["CC-BY-SA-3.0"]
    )


class Encoder(Section):
    """A model that makes vectors of passages and queries."""

    choices = (("model", "teacher"),)
    model: Maybe[str] = Field(
        None,
        description="A hub id, a folder, or package:<module>/<folder> for a folder inside a Python package.",
        examples=["facebook/contriever-msmarco"],
    )
    teacher: Maybe[str] = Field(
        None,
        description="A key of `teachers`: its OpenAI-compatible endpoint makes the vectors, in place of weights here.",
        examples=["text-embedding-3-small"],
    )
    query_parameters: Maybe[Parameters] = Field(
        None,
        description="With `teacher`: parameters of the requests for queries, in addition to the teacher's `sampling`.",
        examples=[{"input_type": "query"}],
    )
    passage_parameters: Maybe[Parameters] = Field(
        None, description="The same for passages.", examples=[{"input_type": "document"}]
    )
    revision: Maybe[str] = Field(None, description="A commit, branch or tag of the hub id.", examples=["main"])
    query_prefix: Maybe[str] = Field(
        None,
        description="Text put before every query; left out, the prompt in the model's own config_sentence_transformers"
        '.json, if it has one. "" means no text.',
        examples=["query: "],
    )
    passage_prefix: Maybe[str] = Field(
        None, description="Text put before every passage; left out, as for queries.", examples=["passage: "]
    )
    dimension: Maybe[Positive] = Field(
        None,
        description="How many numbers of a vector are kept, from its beginning, for models that are trained for this "
        "(Matryoshka). Left out, all are kept.",
        examples=[256],
    )
    precision: Precision = Field(
        "float32",
        description="The number type of the computation. `bfloat16` is faster on GPUs and on processors with AMX or "
        "AVX512-BF16. All vectors of a corpus have the same.",
        examples=["bfloat16"],
    )
    normalize: bool = Field(False, description="Whether vectors are scaled to length 1.", examples=[True])
    max_length: int = Field(512, ge=8, description="Tokens after which a text is cut.", examples=[256])

    @model_validator(mode="after")
    def _of_one_kind(self) -> Self:
        known = ("revision", "precision", "max_length") if self.teacher else ("query_parameters", "passage_parameters")
        if other := [key for key in known if key in self.model_fields_set]:
            serves = "`model`: an endpoint decides this itself" if self.teacher else "`teacher`"
            raise refusal(f"{other[0]} serves only encoders with {serves}: remove it")
        return self


class Fields(Section):
    """Where a record has its instruction, if no `schema` fits; a.b stands for b in a."""

    choices = (("instruction", "conversation"),)
    instruction: Maybe[str] = Field(None, description="The field of the instruction.", examples=["prompt"])
    input: Maybe[str] = Field(None, description="The field of the instruction's input.", examples=["context"])
    conversation: Maybe[str] = Field(None, description="The field of the list of turns.", examples=["messages"])
    role: Maybe[str] = Field(None, description="A turn's field of the speaker.", examples=["role"])
    text: Maybe[str] = Field(None, description="A turn's field of the text.", examples=["content"])
    human: Maybe[list[str]] = Field(
        None, min_length=1, description="The speakers that are users.", examples=[["user", "human"]]
    )


class ExemplarSet(Written):
    """A set of instructions that new questions imitate."""

    choices = (("path", "hub files"), ("schema", "fields"))
    schema_: Maybe[SCHEMAS] = Field(
        None,
        alias="schema",
        description="The schema of the set's records. `plain` has `instruction` or `question`. `sharegpt_split` is the "
        "public ShareGPT_V3 file, whose records may begin in the middle of a conversation.",
        examples=["alpaca"],
    )
    fields: Maybe[Fields] = Field(
        None,
        description="The names of the fields, if no `schema` fits: `instruction`, and `input` if there is one; or "
        "`conversation`, with the `role` and `text` of a turn and the `human` roles.",
    )
    path: Maybe[FileName] = Field(
        None,
        description="A local .json, .jsonl, .csv, .tsv (each also .gz or .zst), .parquet or .zip file, or a pattern. "
        "Files that match a pattern are read in the order of their names.",
        examples=["lmsys/data/train-*.parquet"],
    )
    hub: Maybe[str] = Field(None, description="A data set's id on the Hugging Face hub.", examples=["tatsu-lab/alpaca"])
    revision: str = Field("main", description="A commit, branch or tag of the hub's data set.", examples=["main"])
    files: Maybe[list[str]] = Field(
        None, min_length=1, description="The hub's files: names or patterns.", examples=[["data/*.parquet"]]
    )
    license: str = Field(description="The set's licence.", examples=["CC-BY-NC-4.0"])


Names = Annotated[
    list[str],
    Field(min_length=1),
    BeforeValidator(lambda given: [given] if isinstance(given, str) else given, json_schema_input_type=str | list[str]),
]


class QuestionFields(Section):
    """The names that a benchmark's file has for our fields, each a name or a list of names; a.b stands for b in a."""

    question: Maybe[str] = Field(None, description="The field of the question.", examples=["query"])
    answers: Maybe[Names] = Field(
        None, description="The field of the right answers, or several.", examples=["reference"]
    )
    separator: Maybe[str] = Field(
        None, min_length=1, description="The sign between several answers in one text.", examples=["; "]
    )
    id: Maybe[str] = Field(None, description="The field of the id.", examples=["key"])
    choices_: Maybe[Names] = Field(
        None,
        alias="choices",
        description="The field of the options, or one field for each option.",
        examples=[["opt1", "opt2"]],
    )
    documents: Maybe[Names] = Field(
        None, description="The field of the question's own documents.", examples=["passages"]
    )
    gold_passage_ids: Maybe[Names] = Field(None, description="The field of the passages' ids.", examples=["doc_ids"])
    gold_titles: Maybe[Names] = Field(None, description="The field of the articles' titles.", examples=["pages"])


class Benchmark(Written):
    """A set of questions that evaluates models, and that `decontaminate` keeps out of data sets."""

    choices = (("path", "url", "hub files"),)
    question: str = Field(
        "question",
        description="For `decontaminate`: the field with the question or a list of questions; a.b stands for b in a. "
        "`fields` may name it, too.",
        examples=["question_stem"],
    )
    schema_: Maybe[str] = Field(
        None,
        alias="schema",
        description="The file of rag_instruct/benchmarks/ that reads and scores the set; left out, the file of the "
        "benchmark's name. `own` reads records of `question` and `answers`; `choices`, `context` and "
        "`gold_passage_ids` are optional.",
        examples=["own"],
    )
    fields: Maybe[QuestionFields] = Field(
        None, description="For `schema: own`: the names of the fields, if they differ from ours."
    )
    where: dict[str, str] = Field(
        {}, description="For `schema: own`: only records whose fields have these values.", examples=[{"kind": "open"}]
    )
    label: Maybe[str] = Field(
        None,
        description="The name in tables; left out, the short name in the benchmark's file if that has the key's name, "
        "or else the key.",
        examples=["PopQA"],
    )
    kind: Maybe[Literal["open", "choice", "closed", "multi_hop", "own_context"]] = Field(
        None,
        description="For `schema: own`: the kind of question. No search is made for `own_context`.",
        examples=["open"],
    )
    metric: Maybe[Literal["accuracy", "exact_match"]] = Field(
        None, description="For `schema: own`: the score that tables show.", examples=["exact_match"]
    )
    ids: Maybe[File] = Field(None, description="A file that names the test's questions, where the set has more.")
    path: Maybe[FileName] = Field(
        None,
        description="A local .json, .jsonl, .csv, .tsv (each also .gz or .zst), .parquet or .zip file.",
        examples=["quiz.jsonl"],
    )
    url: Maybe[str] = Field(None, description="An address to download from.", examples=["https://example.org/data.zip"])
    sha256: Maybe[str] = Field(
        None, pattern=SHA256, description="The download's published SHA-256.", examples=["0" * 64]
    )
    size: Maybe[int] = Field(None, ge=1, description="The download's size in bytes.", examples=[1024])
    hub: Maybe[str] = Field(None, description="A data set's id on the Hugging Face hub.", examples=["akariasai/PopQA"])
    revision: str = Field("main", description="A commit, branch or tag of the hub's data set.", examples=["main"])
    files: Maybe[list[str]] = Field(
        None, min_length=1, description="The hub's files: names or patterns.", examples=[["test.tsv"]]
    )

    @model_validator(mode="after")
    def _known_kinds(self) -> Self:
        _refuse_unknown_kind(self.url)
        _refuse_unknown_kind(self.ids.url if self.ids else None, "ids.url")
        for key in ("fields", "where", "kind", "metric"):
            if getattr(self, key) and self.schema_ != "own":
                raise refusal(f"{key} is for `schema: own`: set that, or remove {key}")
        return self
