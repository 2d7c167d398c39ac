"""Prompt sets: one YAML file a paradigm, each one or more requests whose replies fill variables."""

import json
import re
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
        "user": {"type": ["string", "object"]},
        "pattern": {"type": "object", "additionalProperties": TEXT},
        "result": {"type": "object", "additionalProperties": TEXT},
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

    What may differ by the exemplar's kind of task is keyed by it, with `any` for the rest. A
    reply is JSON: a string (of `pattern`) that fills the variable `name`, or an object (of
    `schema`) whose members fill variables of their own names. In a pattern, <name> stands for a
    variable's text; `result` is what becomes of a string, with {reply} for the string itself.
    """

    name: str
    user: str | dict[str, str]
    max_tokens: int
    system: str = ""
    examples: dict[str, list[dict[str, str]]] | None = None
    pattern: dict[str, str] | None = None
    result: dict[str, str] | None = None
    schema: dict[str, Any] | None = None

    def body(self, kind: str, variables: dict[str, str]) -> dict[str, Any]:
        """The request's messages and reply format; the model and its sampling come from the teacher."""
        messages = [{"role": "system", "content": self.system.strip()}] if self.system else []
        for example in _of_kind(self.examples or {}, kind) or []:
            messages += [{"role": role, "content": example[role].strip()} for role in ("user", "assistant")]
        user = self.user if isinstance(self.user, str) else _of_kind(self.user, kind)
        messages.append({"role": "user", "content": user.format_map(variables).strip()})
        schema = self.schema or {"type": "string", "pattern": self._pattern(kind, variables)}
        form = {"name": self.name, "schema": schema, "strict": self.schema is not None}
        return {
            "messages": messages,
            "response_format": {"type": "json_schema", "json_schema": form},
            "max_tokens": self.max_tokens,
        }

    def _pattern(self, kind: str, variables: dict[str, str]) -> str:
        # Only what is special in a pattern is escaped: grammars refuse the escapes of re.escape.
        literal = {name: re.sub(r"([.^$*+?{}()\[\]|\\/])", r"\\\1", text) for name, text in variables.items()}
        return re.sub(r"<(\w+)>", lambda found: literal[found[1]], _of_kind(self.pattern or {}, kind) or "^.+$")

    def parse(self, reply: str, kind: str, variables: dict[str, str]) -> dict[str, str] | None:
        """The variables that `reply` fills, or None when it has another form."""
        try:
            value = json.loads(reply)
            jsonschema.validate(value, self.schema or {"type": "string"})
        except (json.JSONDecodeError, jsonschema.ValidationError):
            return None
        if isinstance(value, dict):
            return {name: str(text).strip() for name, text in value.items()}
        result = _of_kind(self.result or {}, kind) or "{reply}"
        return {self.name: result.format_map({**variables, "reply": value.strip()})}


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
