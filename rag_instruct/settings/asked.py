"""Sections of config.yaml that describe models: teachers write and judge rows, `models` are evaluated."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, WrapValidator, model_validator

from rag_instruct.settings.address import address_fault
from rag_instruct.settings.section import (
    Amount,
    FileName,
    Maybe,
    Natural,
    Parameters,
    Positive,
    PositiveNumber,
    Section,
    Shown,
    refusal,
)

KeyVariable = Annotated[
    str,
    Shown(
        "[A-Z][A-Z0-9_]*",
        "give the name of an environment variable, such as OPENAI_API_KEY. The key itself belongs in that variable, "
        "never into a file",
    ),
]


def _address(value: Any, _: object) -> str:
    if fault := address_fault(value) if isinstance(value, str) else "is no text":
        raise refusal(fault)
    return str(value)


def _sampling(parameters: dict[str, Any]) -> dict[str, Any]:
    for name in parameters:
        if name in OWN:
            raise refusal(f"{name} does not belong here: the workflow sets it")
        if name in OF_CLIENTS:
            raise refusal(f"{name} is a word of OpenAI's Python client: write its contents here instead")
    return parameters


Url = Annotated[str, WrapValidator(_address), Field(json_schema_extra={"pattern": r"^https?://[^/\s][^\s]*$"})]
OWN = ("model", "messages", "response_format", "stream", "stream_options")  # members of a request that we set
OF_CLIENTS = ("extra_body", "extra_headers", "extra_query")
KEY = "The environment variable that holds the endpoint's key; left out, the placeholder `no key` is sent."


class Price(Section):
    """What a model costs, in dollars per million tokens."""

    input: Amount = Field(description="Dollars per million prompt tokens.", examples=[2.5])
    cached_input: Maybe[Amount] = Field(
        None,
        description="Dollars per million prompt tokens that the provider has cached; left out, `input`.",
        examples=[1.25],
    )
    output: Amount = Field(description="Dollars per million answer tokens.", examples=[10.0])
    batch: Maybe[Amount] = Field(
        None, description="The price of a batch as a share of the usual price; left out, 0.5.", examples=[0.5]
    )


class Endpoint(Section):
    """One of the endpoints of a teacher."""

    base_url: Url = Field(description="An OpenAI-compatible endpoint.", examples=["http://node1:8000/v1"])
    key_variable: Maybe[KeyVariable] = Field(None, description=KEY, examples=["OPENAI_API_KEY"])
    weight: Maybe[PositiveNumber] = Field(
        None,
        description="The endpoint's share of the requests, relative to the other weights; left out, 1.",
        examples=[2],
    )
    model: Maybe[str] = Field(
        None,
        description="The model's name at this endpoint, if it differs from the teacher's `model`.",
        examples=["llama-3.1-8b"],
    )


class Teacher(Section):
    """A model behind an endpoint.

    Only `model`, `sampling` and `reasoning_tokens` decide answers: a change of another key reruns nothing.
    """

    choices = (("base_url", "server", "endpoints", "recorded"),)

    @model_validator(mode="after")
    def _key_of_each_endpoint(self) -> Self:
        if self.endpoints and self.key_variable:
            raise refusal("`key_variable` belongs to each of the `endpoints`: move it there")
        return self

    model: str = Field(min_length=1, description="The name by which the endpoint knows the model.", examples=["gpt-4o"])
    base_url: Maybe[Url] = Field(
        None, description="An OpenAI-compatible endpoint.", examples=["https://api.openai.com/v1"]
    )
    key_variable: Maybe[KeyVariable] = Field(None, description=KEY, examples=["OPENAI_API_KEY"])
    server: Maybe[str] = Field(
        None,
        pattern="[{]port[}]",
        description="A command that serves the endpoint at 127.0.0.1:{port}. Each job starts and ends its own server.",
        examples=["vllm serve meta-llama/Llama-3.1-8B-Instruct --port {port}"],
    )
    endpoints: Maybe[list[Endpoint]] = Field(
        None, min_length=1, description="Several endpoints of the same model, which share the requests by weight."
    )
    recorded: Maybe[FileName] = Field(
        None,
        description="A .jsonl.gz file with the records of a store of answers. Jobs take these answers and buy nothing.",
        examples=["resources/sample/answers.jsonl.gz"],
    )
    sampling: Annotated[Parameters, AfterValidator(_sampling)] = Field(
        {},
        description="Parameters that every request contains unchanged: temperature, top_p, seed and so on.",
        examples=[{"temperature": 1.0}],
    )
    reasoning_tokens: Natural = Field(
        0,
        description="Tokens that a reasoning model may use for thinking, in addition to the tokens of the answer.",
        examples=[2000],
    )
    concurrency: Positive = Field(16, description="The most requests that one job has in flight.", examples=[64])
    requests_per_minute: Maybe[PositiveNumber] = Field(
        None,
        description="The most requests per minute of one job. Several endpoints share them by weight. The job also "
        "obeys lower limits in the endpoint's headers and 429s.",
        examples=[500],
    )
    tokens_per_minute: Maybe[PositiveNumber] = Field(
        None,
        description="The most tokens per minute of one job, prompts and answers together. Several endpoints share them "
        "by weight.",
        examples=[30000],
    )
    timeout: PositiveNumber = Field(120, description="The most seconds that one request may take.", examples=[300])
    attempts: Positive = Field(
        6, description="The most attempts of one request. A 429 does not count as an attempt.", examples=[3]
    )
    texts_a_request: Positive = Field(
        128,
        description="For encoders: the most texts whose vectors one request asks for. A job also finds a lower limit "
        "of the endpoint.",
        examples=[32],
    )
    batch: bool = Field(
        False,
        description="Whether requests go to OpenAI's Batch API, which answers within a day for half the price.",
        examples=[True],
    )
    poll_seconds: PositiveNumber = Field(
        60, description="Seconds between two queries of a batch's status.", examples=[30]
    )
    tokenizer: Maybe[str] = Field(
        None,
        description="A hub id or a folder of a tokenizer. Cost previews need it to count tokens if tiktoken does not "
        "know the model.",
        examples=["meta-llama/Llama-3.1-8B"],
    )
    price: Maybe[Price] = Field(None, description="The model's price. It overrides the price in the file of `prices`.")


class Model(Section):
    """A model that is evaluated.

    vLLM runs the weights if vLLM is installed and there is a GPU. Otherwise transformers runs them.
    """

    choices = (("recipe", "model", "teacher"),)
    label: Maybe[str] = Field(None, description="The name in tables; left out, the key.", examples=["GPT-4o"])
    recipe: Maybe[str] = Field(
        None,
        description="A file of resources/recipes/, without .yaml. The workflow trains the model on the data set once.",
        examples=["llama_3_1_8b"],
    )
    model: Maybe[str] = Field(
        None,
        description="Weights: a hub id, a folder, or package:<module>/<file>.gguf.",
        examples=["meta-llama/Llama-3.1-8B"],
    )
    revision: Maybe[str] = Field(None, description="A commit, branch or tag of the hub id.", examples=["main"])
    teacher: Maybe[str] = Field(
        None, description="A key of `teachers`: this model is evaluated through its endpoint.", examples=["gpt-4o"]
    )
    base: Maybe[str] = Field(
        None,
        description="A key of `models`: the same model before training, for the comparison.",
        examples=["llama_3_1_8b"],
    )
    threads: Positive = Field(
        1,
        description="CPU threads for the weights. With one thread, rounding does not depend on the number of cores.",
        examples=[4],
    )
    memory_mb: Positive = Field(4000, description="Memory that a job reserves, in MB.", examples=[32000])
    gpus: Natural = Field(0, description="GPUs that a job reserves.", examples=[1])
