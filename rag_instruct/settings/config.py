"""The whole of config.yaml: we check it, fill in defaults and check references."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
from rag_instruct.settings.dataset import Dataset, follow_language
from rag_instruct.settings.explain import Schema, validated
from rag_instruct.settings.places import with_own_files
from rag_instruct.settings.references import check_references
from rag_instruct.settings.section import FileName, Name, Section, Shown, refusal
from rag_instruct.settings.sources import Benchmark, Corpus, Encoder, ExemplarSet

BASE = "config.yaml"
FOLDERS = ("corpora", "exemplar_sets", "benchmarks", "logs", "graph")  # folders of results/ that are no data sets
RENAMED = {
    "gates": "it is called 'quality_filters' now",
    "proof": "it is called 'verification' now",
    "spare": "it is called 'oversample' now",
}


def _no_folder(name: str) -> str:
    if name in FOLDERS:
        raise refusal(f"{name!r} is already a folder of results/: choose another name")
    return name


class Config(Section):
    """config.yaml: what is built."""

    answers: FileName = Field(
        "answers",
        description="The folder of all teachers' stored answers. It is not below results/, so that you keep bought "
        "answers when you delete results.",
        examples=["/shared/answers"],
    )
    downloads: FileName = Field(
        "downloads", description="The folder of downloaded files.", examples=["/shared/downloads"]
    )
    prices: FileName = Field(
        "resources/prices.yaml",
        description="The file with the prices of models, for previews, budgets and ledgers.",
        examples=["my_prices.yaml"],
    )
    mirrors: dict[str, str] = Field(
        {},
        description="Mirrors of downloads: the beginning of an address, and what replaces it.",
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
        description="A proxy for downloads; left out, HTTPS_PROXY of the environment applies. Set a proxy with a "
        "password only in HTTPS_PROXY.",
        examples=["http://proxy:3128"],
    )
    datasets: dict[Annotated[Name, AfterValidator(_no_folder)], Dataset] = Field(
        min_length=1, description="Data sets by name. The target results/<name>.jsonl builds the data set <name>."
    )
    corpora: dict[Name, Corpus] = Field(description="Collections of passages, by name.")
    encoders: dict[Name, Encoder] = Field(description="Models that make vectors, by name.")
    exemplar_sets: dict[Name, ExemplarSet] = Field(
        description="Sets of instructions by name. New questions imitate these instructions."
    )
    benchmarks: dict[Name, Benchmark] = Field(
        {},
        description="Sets of questions by name. They evaluate models (`evaluation`), and `decontaminate` keeps them "
        "out of data sets.",
    )
    models: dict[Name, Model] = Field(
        {}, description="Models by name that can be evaluated (`datasets.<name>.evaluation`)."
    )
    teachers: dict[str, Teacher] = Field(
        description="Models behind endpoints, by name. They write, filter or judge. Only `model`, `sampling` and "
        "`reasoning_tokens` decide answers: a change of another key reruns nothing."
    )


def checked(config: Settings, prompts: Path, files: Iterable[str | Path] = ()) -> Settings:
    """Return `config` with defaults filled in. Raises a UserError that names the key, the value and the remedy.

    `prompts` is the folder of prompts; the folder of recipes is next to it. `config` was read from `files`, and any of
    them may have the fault.
    """
    paths = [Path(path) for path in files]
    try:
        return _checked(config, prompts, paths)
    except UserError as error:
        said = str(error)
        if not said.startswith(f"{BASE}:"):  # it names its own file, such as my_config.yaml
            raise
        given = [str(path) for path in paths if path.name != BASE]
        raise UserError(f"{' or '.join([*given, BASE])}{said.removeprefix(BASE)}") from error


def _checked(config: Settings, prompts: Path, files: Sequence[Path]) -> Settings:
    for path in files:
        _refuse_surprises(path)
    found = validated(Config, config, BASE, RENAMED)
    whole: Settings = filled(config, found)
    whole["datasets"] = {name: follow_language(dataset) for name, dataset in whole["datasets"].items()}
    _refuse_bare_words(whole, files)
    check_references(whole, prompts)
    return whole


def read_config(folder: Path, more: Iterable[Path] = ()) -> Settings:
    """Return the checked settings for scripts that run without Snakemake, from the files that a run would read.

    These are config.yaml of the folder, or else the workflow's own, and the files `more` of --configfile.
    """
    own = folder / "config.yaml"
    paths = [own if own.exists() else root() / "config.yaml", *more]
    config: Any = {}
    for path in paths:
        try:
            config = _merged(config, yaml.safe_load(read_text(path)) or {})
        except yaml.YAMLError as error:
            raise UserError(f"{path}: not YAML: {error}") from error
    settings: Settings = with_own_files(checked(config, root() / "resources/prompts", paths), root())
    return settings


def _merged(before: Any, added: Any) -> Any:
    """Return `before` with the keys of `added`. As in Snakemake, sections merge and other values replace."""
    if not (isinstance(before, dict) and isinstance(added, dict)):
        return added
    return before | {key: _merged(before.get(key), value) for key, value in added.items()}


def json_schema() -> str:
    """Return config.schema.json, with which editors complete and explain the keys of config.yaml."""
    schema = {"$schema": Schema.schema_dialect, **Config.model_json_schema(schema_generator=Schema)}
    return json.dumps(schema, indent=2, ensure_ascii=False)


def filled(given: Any, found: Any) -> Any:
    """Return a copy of `given` with the defaults of `found` after its keys. Given keys keep their order and values."""
    if isinstance(found, Section):
        inner = found.given()
        return {key: filled(value, inner[key]) for key, value in given.items()} | {
            key: _plain(value) for key, value in inner.items() if key not in given
        }
    if isinstance(found, dict):
        return {key: filled(value, found[key]) for key, value in given.items()}
    return given


def _plain(default: Any) -> Any:
    return {key: _plain(value) for key, value in default.given().items()} if isinstance(default, Section) else default


MERGED = "<<"  # a section may merge several others
# Numbers that YAML 1.1 reads in base 8 or 60: `words: 0100` is 64, and `dollars: 1:30` is 90.
OTHER_BASE = re.compile(r"[-+]?(?:0[0-7_]+|\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?)")


def _refuse_surprises(path: Path) -> None:
    """Refuse a key that occurs twice, whose first value YAML drops, and numbers in another base."""
    for node in _nodes(yaml.compose(read_text(path))):
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode) and not node.style and OTHER_BASE.fullmatch(node.value):
            value = yaml.safe_load(node.value)
            raise UserError(
                f"{path}, line {line}: YAML reads {node.value} as {value}: write the number that you mean, or put it "
                "in quotes if it is a text"
            )
        if isinstance(node, yaml.MappingNode):
            keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != MERGED]
            names = Counter(key.value for key in keys)
            for key in keys:
                if names[key.value] > 1:
                    raise UserError(
                        f"{path}, line {key.start_mark.line + 1}: the key {key.value!r} occurs {names[key.value]} "
                        "times in one section, and YAML keeps only the last: remove or rename the others"
                    )


def _nodes(top: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield all nodes of a YAML text, each once, also if aliases name it again."""
    waiting, seen = [top], set()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.CollectionNode):
            parts = node.value if isinstance(node, yaml.SequenceNode) else [one for pair in node.value for one in pair]
            waiting += reversed(parts)


def _refuse_bare_words(config: Settings, files: Iterable[str | Path]) -> None:
    """Refuse `language: no`: YAML reads `no` as false, which would silently switch off the check.

    All other checks take numbers. There, no and off can only mean false.
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
    """Yield line and word of each value of `key` that YAML reads as a boolean: no, off, yes or on without quotes."""
    events: list[Any] = [event for event in yaml.parse(text) if isinstance(event, yaml.ScalarEvent)]
    for before, event in pairwise(events):
        if before.value == key and not event.style and event.value.lower() in ("no", "off", "yes", "on"):
            yield event.start_mark.line + 1, event.value
