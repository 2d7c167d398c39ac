"""config.yaml: checked against its schema, defaults filled in, references resolved."""

import difflib
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from rag_instruct.errors import UserError
from rag_instruct.files import read_text
from rag_instruct.paradigms import PARADIGMS, quotas
from rag_instruct.project import root

Settings = dict[str, Any]
GIVEN = ("with_documents", "closed_book")  # what a model under test has beside the question
REFERENCES = {"corpus": "corpora", "encoder": "encoders", "teacher": "teachers"}


def checked(config: Settings, schema_path: Path, prompts: Path) -> Settings:
    """`config` with the schema's defaults; a UserError names the key, the value and the remedy."""
    schema = yaml.safe_load(schema_path.read_text("utf-8"))
    config = deepcopy(config)
    # The first error by place in the file is what the user reads.
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(config), key=lambda error: list(map(str, error.path))
    )
    if errors:
        raise UserError(_explain(errors[0]))
    _fill_defaults(config, schema, schema)
    _check_models(config, prompts.parent / "recipes")
    for name, dataset in config["datasets"].items():
        _check_dataset(config, f"datasets.{name}", dataset, prompts)
    return config


def _explain(error: jsonschema.ValidationError) -> str:
    place = ".".join(map(str, error.absolute_path)) or "the top level"
    if place == "proxy":  # without its value, which may hold a password
        return (
            "config.yaml: proxy: give an address such as http://proxy:3128, without a name or password: "
            "these belong in HTTPS_PROXY of the environment"
        )
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {}))
        for key in sorted(set(map(str, error.instance)) - set(known)):
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            return f"config.yaml: {place} has no key {key!r}: {hint}"
    if error.validator == "not" and error.instance is True:
        return f"config.yaml: {place}: give a value, or false to leave it out (see config.schema.yaml)"
    if error.validator == "oneOf" and isinstance(error.instance, dict):
        choices = " or ".join(" and ".join(choice["required"]) for choice in error.validator_value)
        return f"config.yaml: {place}: give either {choices}, and only one of them"
    return f"config.yaml: {place}: {error.message} (see config.schema.yaml)"


def _fill_defaults(value: Any, schema: Settings, root: Settings) -> None:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if not isinstance(value, dict):
        return
    for key, inner in schema.get("properties", {}).items():
        if "default" in inner:
            value.setdefault(key, deepcopy(inner["default"]))
        if key in value:
            _fill_defaults(value[key], inner, root)
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        for key in value.keys() - schema.get("properties", {}).keys():
            _fill_defaults(value[key], rest, root)


def _check_dataset(config: Settings, place: str, dataset: Settings, prompts: Path) -> None:
    for key, section in REFERENCES.items():
        known(dataset[key], config[section], f"{place}.{key}", section)
    _check_exemplars(config, place, dataset)
    known(
        dataset["prompts"],
        [folder.name for folder in prompts.iterdir() if any((folder / f"{name}.yaml").exists() for name in PARADIGMS)],
        f"{place}.prompts",
        str(prompts),
    )
    if dataset["verification"]["share"]:
        known(
            dataset["verification"].get("judge", "nothing"),
            config["teachers"],
            f"{place}.verification.judge",
            "teachers",
        )
    _check_evaluation(config, f"{place}.evaluation", dataset["evaluation"])
    if not any(quotas(dataset, name) for name in PARADIGMS):
        raise UserError(f"config.yaml: {place}.paradigms asks for no row at all: give a count to at least one")
    depth, beyond = dataset["noise"]["depth"], dataset["noise"]["beyond"]
    if depth - beyond < 2 * dataset["documents"]:
        raise UserError(
            f"config.yaml: {place}.noise: ranks {beyond + 1} to {depth} leave too few passages for "
            f"{dataset['documents']} documents a row: raise depth, or lower beyond"
        )


def _check_models(config: Settings, recipes: Path) -> None:
    known_names = {
        "recipe": (str(recipes), [path.stem for path in recipes.glob("*.yaml")]),
        "teacher": ("teachers", list(config["teachers"])),
        "base": ("models", list(config["models"])),
    }
    for name, model in config["models"].items():
        for key in known_names.keys() & model.keys():
            section, names = known_names[key]
            known(model[key], names, f"models.{name}.{key}", section)


def _check_evaluation(config: Settings, place: str, evaluation: Settings) -> None:
    for key in ("benchmarks", "models"):
        for name in evaluation[key]:
            known(name, config[key], f"{place}.{key}", key)
    for key in ("corpus", "encoder"):
        if key in evaluation:
            known(evaluation[key], config[REFERENCES[key]], f"{place}.{key}", REFERENCES[key])
    for name in evaluation["contexts"]:
        known(name, evaluation["benchmarks"], f"{place}.contexts", f"{place}.benchmarks")


def _check_exemplars(config: Settings, place: str, dataset: Settings) -> None:
    for key, section in {"exemplars": "exemplar_sets", "decontaminate": "benchmarks"}.items():
        for name in dataset[key]:
            known(name, config[section], f"{place}.{key}", section)
    for paradigm, rows in dataset["paradigms"].items():
        for name in rows if isinstance(rows, dict) else ():
            known(name, dataset["exemplars"], f"{place}.paradigms.{paradigm}", f"{place}.exemplars")
    filters = ["heuristic", *config["teachers"]]
    known(dataset["exemplar_filter"], filters, f"{place}.exemplar_filter", "teachers (or `heuristic`)")


def known(name: str, names: Any, place: str, section: str) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, list(names), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
        raise UserError(f"config.yaml: {place}: {name!r} is not in {section}: {hint}")


def read_config(folder: Path) -> Settings:
    """The checked config.yaml of a folder, for scripts that run outside the graph."""
    path = folder / "config.yaml"
    return checked(yaml.safe_load(read_text(path)), root() / "config.schema.yaml", root() / "resources/prompts")
