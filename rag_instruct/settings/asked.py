"""The sections of config.yaml that name models: teachers, which are asked, and models, which are evaluated."""

from typing import Annotated, Any

from pydantic import Field

from rag_instruct.settings.section import Amount, Maybe, Natural, Positive, PositiveNumber, Section, Shown

KeyVariable = Annotated[
    str,
    Shown(
        "[A-Z][A-Z0-9_]*",
        "give the name of an environment variable, such as OPENAI_API_KEY. The key itself belongs into that variable, "
        "never into a file",
    ),
]
KEY = "The environment variable that holds the endpoint's key; left out, no key is sent."


class Price(Section):
    """What a model costs, in dollars for a million tokens."""

    input: Amount = Field(description="Dollars for a million tokens of prompts.", examples=[2.5])
    cached_input: Maybe[Amount] = Field(
        None, description="The same for repeated prompts; left out, `input`.", examples=[1.25]
    )
    output: Amount = Field(description="Dollars for a million tokens of answers.", examples=[10.0])
    batch: Maybe[Amount] = Field(
        None, description="The share of the price that a batch costs; left out, 0.5.", examples=[0.5]
    )


class Endpoint(Section):
    """One of a teacher's endpoints."""

    base_url: str = Field(description="An OpenAI-compatible endpoint.", examples=["http://node1:8000/v1"])
    key_variable: Maybe[KeyVariable] = Field(None, description=KEY, examples=["OPENAI_API_KEY"])
    weight: Maybe[PositiveNumber] = Field(None, description="Its share of the requests; left out, 1.", examples=[2])
    model: Maybe[str] = Field(None, description="The model's name there, where it differs.", examples=["llama-3.1-8b"])


class Teacher(Section):
    """A model that is asked. `model`, `sampling` and `reasoning_tokens` decide answers; other changes rerun nothing."""

    choices = (("base_url", "server", "endpoints"),)
    model: str = Field(description="The name by which the endpoint knows the model.", examples=["gpt-4o"])
    base_url: Maybe[str] = Field(
        None, description="An OpenAI-compatible endpoint.", examples=["https://api.openai.com/v1"]
    )
    key_variable: Maybe[KeyVariable] = Field(None, description=KEY, examples=["OPENAI_API_KEY"])
    server: Maybe[str] = Field(
        None,
        pattern="[{]port[}]",
        description="A command that serves the endpoint at 127.0.0.1:{port}. Each job starts and ends its own.",
        examples=["vllm serve meta-llama/Llama-3.1-8B-Instruct --port {port}"],
    )
    endpoints: Maybe[list[Endpoint]] = Field(
        None, min_length=1, description="Several endpoints of the same model, asked in turn by their weights."
    )
    sampling: dict[str, Any] = Field(
        {},
        description="Sent with every request as it is: temperature, top_p, seed and so on.",
        examples=[{"temperature": 1.0}],
    )
    reasoning_tokens: Natural = Field(
        0, description="Tokens that a reasoning model may think for, in addition to the answer's.", examples=[2000]
    )
    concurrency: Positive = Field(16, description="Requests in flight of one job.", examples=[64])
    requests_per_minute: Maybe[PositiveNumber] = Field(
        None,
        description="Requests a minute of one job. Lower limits are learnt from the endpoint's headers and 429s.",
        examples=[500],
    )
    tokens_per_minute: Maybe[PositiveNumber] = Field(
        None, description="Tokens a minute of one job, prompts and answers together.", examples=[30000]
    )
    timeout: PositiveNumber = Field(120, description="Seconds that one request may take.", examples=[300])
    attempts: Positive = Field(6, description="Attempts of one request. A 429 does not count as one.", examples=[3])
    batch: bool = Field(
        False, description="Whether OpenAI's Batch API is asked: within a day, for half the price.", examples=[True]
    )
    poll_seconds: PositiveNumber = Field(60, description="Seconds between two looks at a batch.", examples=[30])
    tokenizer: Maybe[str] = Field(
        None,
        description="A hub id or folder, to count tokens of a model that tiktoken does not know.",
        examples=["meta-llama/Llama-3.1-8B"],
    )
    price: Maybe[Price] = Field(None, description="The model's price, where the price file does not have it.")


class Model(Section):
    """A model that is evaluated. vLLM runs weights where it is installed and there is a GPU, else transformers does."""

    choices = (("recipe", "model", "teacher"),)
    label: Maybe[str] = Field(None, description="The name in tables; left out, the key.", examples=["GPT-4o"])
    recipe: Maybe[str] = Field(
        None,
        description="A file of resources/recipes/, without .yaml. The model is trained on the data set, once.",
        examples=["llama_3_1_8b"],
    )
    model: Maybe[str] = Field(
        None,
        description="Weights: a hub id, a folder, or package:<module>/<file>.gguf.",
        examples=["meta-llama/Llama-3.1-8B"],
    )
    revision: Maybe[str] = Field(None, description="A commit, branch or tag of the hub id.", examples=["main"])
    teacher: Maybe[str] = Field(
        None, description="A key of `teachers`, asked through its endpoint.", examples=["gpt-4o"]
    )
    base: Maybe[str] = Field(
        None,
        description="A key of `models`: the model before training, to be compared with.",
        examples=["llama_3_1_8b"],
    )
    threads: Positive = Field(
        1, description="CPU threads of weights. One thread rounds alike on every machine.", examples=[4]
    )
    memory_mb: Positive = Field(4000, description="Memory that a job asks for, in MB.", examples=[32000])
    gpus: Natural = Field(0, description="GPUs that a job asks for.", examples=[1])
