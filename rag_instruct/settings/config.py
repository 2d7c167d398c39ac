"""config.yaml as a whole: checked, defaults filled in, references resolved."""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field

from rag_instruct.errors import UserError
from rag_instruct.files import read_text
from rag_instruct.project import root
from rag_instruct.settings import Settings
from rag_instruct.settings.asked import Model, Teacher
from rag_instruct.settings.dataset import Dataset
from rag_instruct.settings.explain import Schema, validated
from rag_instruct.settings.references import check_references
from rag_instruct.settings.section import Name, Section, Shown, refusal
from rag_instruct.settings.sources import Benchmark, Corpus, Encoder, ExemplarSet

FOLDERS = ("corpora", "exemplar_sets", "benchmarks", "logs", "graph")  # of results/, beside those of data sets
RENAMED = {
    "gates": "it is called 'quality_filters' now",
    "proof": "it is called 'verification' now",
    "spare": "it is called 'oversample' now",
    "dimension": "remove it, the model says its dimension itself",
}


def _no_folder(name: str) -> str:
    if name in FOLDERS:
        raise refusal(f"{name!r} is already a folder of results/: choose another name")
    return name


class Config(Section):
    """config.yaml: what is built."""

    answers: str = Field(
        "answers",
        description="The folder of all teachers' stored answers. It is not below results/, so that deleting results "
        "loses no bought answer.",
        examples=["/shared/answers"],
    )
    downloads: str = Field("downloads", description="The folder of downloaded files.", examples=["/shared/downloads"])
    prices: str = Field(
        "resources/prices.yaml",
        description="The file of what models cost, for previews, budgets and ledgers.",
        examples=["my_prices.yaml"],
    )
    mirrors: dict[str, str] = Field(
        {},
        description="Other places of downloads, by the beginning of an address.",
        examples=[{"https://dl.fbaipublicfiles.com/": "https://mirror.example/facebook/"}],
    )
    proxy: Annotated[
        str,
        Shown(
            "(https?://[^@]+)?",
            "give an address such as http://proxy:3128, without a name or password: "
            "these belong in HTTPS_PROXY of the environment",
        ),
    ] = Field(
        "",
        description="A proxy for downloads; left out, the environment's HTTPS_PROXY counts. A proxy with a password "
        "belongs there.",
        examples=["http://proxy:3128"],
    )
    datasets: dict[Annotated[Name, AfterValidator(_no_folder)], Dataset] = Field(
        min_length=1, description="Data sets. A data set's name is the name of its target, results/<name>.jsonl."
    )
    corpora: dict[Name, Corpus] = Field(description="Collections of passages, by name.")
    encoders: dict[Name, Encoder] = Field(description="Models that make vectors, by name.")
    exemplar_sets: dict[Name, ExemplarSet] = Field(
        description="Sets of instructions, which questions imitate, by name."
    )
    benchmarks: dict[Name, Benchmark] = Field(
        {},
        description="Sets of questions by name, to evaluate models on and to keep out of data sets (`decontaminate`).",
    )
    models: dict[Name, Model] = Field({}, description="Models by name, to be evaluated (`datasets.<name>.evaluation`).")
    teachers: dict[str, Teacher] = Field(
        description="Models that are asked, by name. Only `model`, `sampling` and `reasoning_tokens` decide answers: a "
        "change of anything else reruns nothing."
    )


def checked(config: Settings, prompts: Path, files: Iterable[str | Path] = ()) -> Settings:
    """`config` with the defaults filled in; a UserError names the key, the value and the remedy.

    `prompts` is the folder of prompts, beside that of recipes. `files` are those that `config` was read from.
    """
    found = validated(Config, config, "config.yaml", RENAMED)
    filled: Settings = _filled(config, found)
    _refuse_bare_words(filled, files)
    check_references(filled, prompts)
    return filled


def read_config(folder: Path) -> Settings:
    """The checked config.yaml of a folder, for scripts that run outside the graph."""
    path = folder / "config.yaml"
    return checked(yaml.safe_load(read_text(path)), root() / "resources/prompts", [path])


def json_schema() -> str:
    """config.schema.json, by which editors complete and explain the keys of config.yaml."""
    schema = {"$schema": Schema.schema_dialect, **Config.model_json_schema(schema_generator=Schema)}
    return json.dumps(schema, indent=2, ensure_ascii=False)


def _filled(given: Any, found: Any) -> Any:
    """A copy of `given` with the defaults of `found` behind its own keys, whose order and values stay as written."""
    if isinstance(found, Section):
        inner = found.given()
        return {key: _filled(value, inner[key]) for key, value in given.items()} | {
            key: _plain(value) for key, value in inner.items() if key not in given
        }
    if isinstance(found, dict):
        return {key: _filled(value, found[key]) for key, value in given.items()}
    return given


def _plain(default: Any) -> Any:
    return {key: _plain(value) for key, value in default.given().items()} if isinstance(default, Section) else default


def _refuse_bare_words(config: Settings, files: Iterable[str | Path]) -> None:
    """Refuse `language: no`: YAML reads it as false, and a check would silently be off.

    Other checks are numbers, for which no and off mean what false does.
    """
    parts = [dataset[part] for dataset in config["datasets"].values() for part in ("cleaning", "quality_filters")]
    if all(part["language"] for part in parts):
        return
    for path in files:
        for line, word in _bare_words(read_text(Path(path)), "language"):
            raise UserError(
                f"{path}, line {line}: language: YAML reads {word} as a boolean: put it in quotes ({word!r}), "
                "or write false to allow any language"
            )


def _bare_words(text: str, key: str) -> Iterator[tuple[int, str]]:
    """Lines and words of a key's values that YAML reads as a boolean although they are not spelled like one."""
    events: list[Any] = [event for event in yaml.parse(text) if isinstance(event, yaml.ScalarEvent)]
    for before, event in pairwise(events):
        if before.value == key and not event.style and event.value.lower() in ("no", "off", "yes", "on"):
            yield event.start_mark.line + 1, event.value
