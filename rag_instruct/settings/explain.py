"""Readable errors of settings files: the file, the key, the value, the remedy."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from rag_instruct.errors import UserError
from rag_instruct.files import read_text
from rag_instruct.settings import hint
from rag_instruct.settings.section import Section

S = TypeVar("S", bound=Section)
Place = tuple[int | str, ...]

FAULTS = {  # by pydantic's type of the error
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "bool_type": "is neither true nor false",
    "string_type": "is not text",
    "list_type": "is not a list",
    "tuple_type": "is not a list",
    "dict_type": "is not a mapping of keys to values",
    "model_type": "is not a mapping of keys to values",
    "greater_than": "is too small: it must be above {gt}",
    "greater_than_equal": "is too small: the least is {ge}",
    "less_than": "is too large: it must be below {lt}",
    "less_than_equal": "is too large: the most is {le}",
    "too_short": "has {actual_length} items, at least {min_length} are needed",
    "too_long": "has {actual_length} items, at most {max_length} may stand here",
    "string_too_short": "is too short: at least {min_length} character is needed",
    "string_too_long": "is too long: at most {max_length} character may stand here",
    "string_pattern_mismatch": "does not match {pattern}",
}
LONGEST = 100  # a message shows at most so many characters of a value


class Schema(GenerateJsonSchema):
    """JSON schemas without null defaults, and without pydantic's titles, which only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made

    def default_schema(self, schema: Any) -> dict[str, Any]:
        return (
            self.generate_inner(schema["schema"])
            if schema.get("default", 0) is None
            else super().default_schema(schema)
        )


def read_section(model: type[S], path: Path) -> S:
    """Return the section in a YAML file. Raises a UserError that names the file, the key and the fault."""
    try:
        content = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML: {error}") from error
    return validated(model, content, str(path))


def validated(model: type[S], content: Any, file: str, renamed: Mapping[str, str] | None = None) -> S:
    """Return `content` as a section. Raises a UserError about the first fault in the file.

    `renamed` maps old keys to what the message says about them.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = min(error.errors(), key=lambda fault: list(_position(_place(fault), content)))
        raise UserError(f"{file}: {_explain(first, model, renamed or {})}") from None


def _place(fault: Any) -> Place:
    """Return the keys that lead to a fault, without pydantic's additions such as [key]."""
    return tuple(part for part in fault["loc"] if not str(part).startswith("["))


def _position(place: Place, content: Any) -> Iterator[int]:
    """Yield a place's position in the file, level by level. A missing key stands after the keys of its section."""
    for part in place:
        keys = list(content) if isinstance(content, dict) else []
        yield keys.index(part) if part in keys else part if isinstance(part, int) else len(keys)
        content = content[part] if isinstance(content, list) or part in keys else None


def _explain(fault: Any, model: type[Section], renamed: Mapping[str, str]) -> str:
    """Describe a fault in a sentence: the place, the value, and what belongs there."""
    place, kind = _place(fault), fault["type"]
    of_key = kind in ("missing", "extra_forbidden") or "[key]" in fault["loc"]
    place, key = (place[:-1], place[-1]) if of_key else (place, None)
    where = ".".join(map(str, place))
    keys, meaning = _described(model.model_json_schema(schema_generator=Schema), place)
    if kind == "extra_forbidden":
        return f"{where or 'the top level'} has no key {key!r}: {renamed.get(str(key)) or hint(key, keys)}"
    where += ": " if where else ""
    if kind == "missing":
        return f"{where}the key {key!r} is missing. {keys[str(key)].get('description', '')}".rstrip()
    if kind == "refused":
        return f"{where}{fault['msg']}"
    if kind == "literal_error" and isinstance(fault["input"], bool):
        return f"{where}give a value, or false to leave it out. {_meant(meaning)}"
    said = f"{where}{'the name ' if of_key else ''}{_fault(fault)}"
    return f"{said if said.endswith('?') else said + '.'} {_meant(meaning)}".rstrip()


def _meant(meaning: str) -> str:
    return f"What belongs here: {meaning}" if meaning else ""


def _fault(fault: Any) -> str:
    """Describe the value and its fault, with a remedy where YAML surprises."""
    kind, value, details = fault["type"], fault["input"], fault.get("ctx", {})
    if value is None:
        return "the value is empty: give one, or leave the key out"
    if kind == "literal_error":
        choices = [choice.strip("'") for choice in re.split(", | or ", details["expected"])]
        near = hint(value, choices)
        return f"{value!r} is not one of {', '.join(choices)}" + (f": {near}" if near.endswith("?") else "")
    shown = (
        str(value).lower() if isinstance(value, bool) else textwrap.shorten(repr(value), LONGEST, placeholder=" ...")
    )
    said = FAULTS[kind].format_map(details) if kind in FAULTS else f"is refused: {fault['msg']}"
    if kind == "string_type" and not isinstance(value, (list, dict)):
        said += ": put it in quotes" + (" (YAML reads no, off, yes and on as booleans)" * isinstance(value, bool))
    if kind == "string_pattern_mismatch" and "[key]" in fault["loc"]:
        said += ": names have lower-case letters, digits and _"
    if kind == "float_type" and isinstance(value, str) and re.fullmatch(r"[-+]?\d+e[-+]?\d+", value, re.I):
        said += f" (YAML takes it for a text: write {value.lower().replace('e', '.0e')})"
    return f"{shown} {said}"


def _described(schema: dict[str, Any], place: Place) -> tuple[dict[str, Any], str]:
    """Return the keys at a place of a JSON schema, and the nearest description at or above the place."""
    node, meaning = schema, ""
    for part in place:
        inner: dict[str, Any] = next(
            (found for way in _ways(node, schema) if (found := _inner(way, part)) is not None), {}
        )
        node, meaning = inner, inner.get("description", meaning)
    return {key: inner for way in _ways(node, schema) for key, inner in way.get("properties", {}).items()}, meaning


def _ways(node: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a node with its reference resolved, and then the node's alternatives."""
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    yield node
    for way in node.get("oneOf", []):
        yield from _ways(way, schema)


def _inner(node: dict[str, Any], part: int | str) -> Any:
    if isinstance(part, int):
        return node.get("items")
    named = node.get("properties", {}).get(part)
    every = node.get("additionalProperties") or next(iter(node.get("patternProperties", {}).values()), None)
    return named or (every if isinstance(every, dict) else None)
