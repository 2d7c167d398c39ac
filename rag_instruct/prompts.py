"""Prompt sets: one YAML file a paradigm, each one or more requests whose replies fill variables."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from rag_instruct.errors import UserError
from rag_instruct.files import read_text

TEXT = {"type": "string"}
SHOTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["user", "assistant"],
        "additionalProperties": False,
        "properties": {"user": TEXT, "assistant": TEXT},
    },
}
STEP = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "user", "max_tokens"],
    "properties": {
        "name": TEXT,
        "system": TEXT,
        "examples": {"type": "object", "additionalProperties": SHOTS},
        "user": TEXT,
        "pattern": {"type": "object", "additionalProperties": TEXT},
        "schema": {"type": "object"},
        "max_tokens": {"type": "integer"},
    },
}
FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "steps"],
    "properties": {
        "version": {"type": "integer"},
        "focus": {"enum": ["document", "sentence"]},
        "simulation": TEXT,
        "steps": {"type": "array", "minItems": 1, "items": STEP},
    },
}


@dataclass(frozen=True)
class Step:
    """One request: messages from variables, and the form that the reply must have.

    `examples` and `pattern` are keyed by the exemplar's kind of task, with `any` for the rest.
    A reply is JSON: a string (of `pattern`) that fills the variable `name`, or an object (of
    `schema`) whose members fill variables of their own names.
    """

    name: str
    user: str
    max_tokens: int
    system: str = ""
    examples: dict[str, list[dict[str, str]]] | None = None
    pattern: dict[str, str] | None = None
    schema: dict[str, Any] | None = None

    def body(self, kind: str, variables: dict[str, str]) -> dict[str, Any]:
        """The request's messages and reply format; the model and its sampling come from the teacher."""
        messages = [{"role": "system", "content": self.system.strip()}] if self.system else []
        for example in _of_kind(self.examples or {}, kind) or []:
            messages += [{"role": role, "content": example[role].strip()} for role in ("user", "assistant")]
        messages.append({"role": "user", "content": self.user.format_map(variables).strip()})
        schema = self.schema or {"type": "string", "pattern": _of_kind(self.pattern or {}, kind) or ".+"}
        form = {
            "type": "json_schema",
            "json_schema": {"name": self.name, "schema": schema, "strict": self.schema is not None},
        }
        return {"messages": messages, "response_format": form, "max_tokens": self.max_tokens}

    def parse(self, reply: str) -> dict[str, str] | None:
        """The variables that `reply` fills, or None when it has another form."""
        try:
            value = json.loads(reply)
            jsonschema.validate(value, self.schema or {"type": "string"})
        except (json.JSONDecodeError, jsonschema.ValidationError):
            return None
        values = value if isinstance(value, dict) else {self.name: value}
        return {name: str(text).strip() for name, text in values.items()}


def _of_kind(choices: dict[str, Any], kind: str) -> Any:
    return choices.get(kind, choices.get("any"))


@dataclass(frozen=True)
class Prompt:
    """The steps of one file; `simulation` is the text that asks to imitate the exemplar.

    `focus` says what the teacher writes from: whole documents, or one sentence of each (all
    that a very small model can hold on to).
    """

    version: int
    steps: tuple[Step, ...]
    focus: str = "document"
    simulation: str = ""


def load_prompt(path: Path) -> Prompt:
    """Read and check a prompt file; UserError names the file and the key that is wrong."""
    try:
        content = yaml.safe_load(read_text(path))
        jsonschema.validate(content, FILE)
    except (yaml.YAMLError, jsonschema.ValidationError) as error:
        place = ".".join(map(str, getattr(error, "absolute_path", [])))
        raise UserError(f"{path}: {place} {getattr(error, 'message', error)}") from error
    steps = tuple(Step(**step) for step in content.pop("steps"))
    return Prompt(steps=steps, **content)
