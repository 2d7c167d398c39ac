"""Prompt sets: one YAML file a paradigm, each one or more requests whose replies fill variables."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import json_repair
import jsonschema
import yaml

from rag_instruct.errors import UserError
from rag_instruct.files import read_text
from rag_instruct.llm.segments import Reply, Request

ByKind = str | dict[str, str]  # a text, or texts by the exemplar's kind of task, with `any` for the rest

T = TypeVar("T")
TEXT = {"type": "string"}
BY_KIND = {"type": ["string", "object"], "additionalProperties": TEXT}
TURNS = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["user", "assistant"],
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
        "examples": {"type": "object", "additionalProperties": TURNS},
        "user": BY_KIND,
        "pattern": BY_KIND,
        "schema": {"type": "object"},
        "kind": TEXT,
        "about": TEXT,
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
        "pair": {"type": "object", "additionalProperties": BY_KIND},
    },
}


def of_kind(choices: Mapping[str, T], kind: str) -> T | None:
    """The choice for a kind of task ("order", or finer "order when"), else for its first word, else for `any`."""
    return next((choices[key] for key in (kind, kind.split()[0], "any") if key in choices), None)


def text_of(choices: ByKind, kind: str) -> str:
    """The text for a kind of task."""
    return choices if isinstance(choices, str) else of_kind(choices, kind) or ""


@dataclass(frozen=True)
class Step:
    """One request: messages from variables, and the form that the reply must have.

    `examples` are earlier turns of the chat. Texts that may differ by the exemplar's kind of task are keyed by
    it, with `any` for the rest. A reply is JSON. It is either a string that fills the variable `name` and has
    the form of `pattern`, in which <name> stands for any line of a variable. Or it is an object of `schema`,
    whose members fill the variables of their names.
    """

    name: str
    user: ByKind
    max_tokens: int
    system: str = ""
    examples: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    pattern: ByKind = "^.+$"
    schema: dict[str, Any] | None = None
    kind: str = ""  # the variable that holds this step's kind, where it is not the row's
    about: str = ""  # the variable that holds the fact from which a reply must not stray

    def body(self, kind: str, variables: dict[str, str]) -> Request:
        """The request without the model and its sampling."""
        kind = variables.get(self.kind, kind)
        messages = [{"role": "system", "content": self.system.strip()}] if self.system else []
        for example in of_kind(self.examples, kind) or []:
            messages += [{"role": role, "content": example[role].strip()} for role in ("user", "assistant")]
        messages.append({"role": "user", "content": text_of(self.user, kind).format_map(variables).strip()})
        schema = self.schema or {"type": "string", "pattern": _filled(text_of(self.pattern, kind), variables)}
        form = {"name": self.name, "schema": schema, "strict": self.schema is not None}
        response_format = {"type": "json_schema", "json_schema": form}
        return {"messages": messages, "response_format": response_format, "max_tokens": self.max_tokens}

    def parse(self, reply: str) -> dict[str, str] | None:
        """The variables that `reply` fills, or None when it has another form.

        Endpoints without response_format put words, fences or wrong quotes around the JSON. These are repaired; a
        missing end is not. A reply that should be one string may also come as bare text.
        """
        for value in _readings(reply, bare=self.schema is None):
            try:
                jsonschema.validate(value, self.schema or TEXT)
            except jsonschema.ValidationError:
                continue
            values = value if isinstance(value, dict) else {self.name: value}
            return {name: str(text).strip() for name, text in values.items()}
        return None


def _readings(reply: str, bare: bool) -> Iterator[Any]:
    """The values that a reply may mean, the most literal first."""
    with suppress(json.JSONDecodeError):
        yield json.loads(reply)
    if bare:
        # A broken literal would pass as a text too, with its quotes.
        if reply.strip()[:1] not in ('"', "{", "["):
            yield reply
    elif found := re.search(r"\{.*\}", reply, re.S):
        yield json_repair.loads(found[0])


def _filled(pattern: str, variables: dict[str, str]) -> str:
    def literal(found: re.Match[str]) -> str:
        # Only special characters are escaped: grammars refuse some of the escapes that re.escape makes.
        lines = [re.sub(r"([.^$*+?{}()\[\]|\\/])", r"\\\1", line) for line in variables[found[1]].splitlines()]
        return f"({'|'.join(lines)})"

    return re.sub(r"<(\w+)>", literal, pattern)


def read(step: Step, reply: Reply) -> tuple[dict[str, str] | None, str]:
    """The variables that a reply fills, or None and the reason why it fills none."""
    if reply["finish_reason"] == "failed":
        return None, f"no answer ({reply['failure']})"
    if reply["finish_reason"] != "stop":
        return None, f"unfinished ({reply['finish_reason']})"
    values = step.parse(reply["text"])
    return values, "" if values is not None else "refused" if reply.get("refusal") else "unparsable"


@dataclass(frozen=True)
class Prompt:
    """The requests of one file.

    `focus` says what the teacher writes from: whole documents, or one sentence of each, which is all that a
    very small model can use. `simulation` is the text that asks to imitate the exemplar. `pair` has templates
    that make the question and the answer from variables, if they are not variables themselves.
    """

    version: int
    steps: tuple[Step, ...]
    focus: str = "document"
    simulation: str = ""
    pair: dict[str, ByKind] = field(default_factory=dict)

    def written(self, kind: str, variables: dict[str, str]) -> dict[str, str]:
        """The question and the answer, as the row has them."""
        templates = {"question": "{question}", "answer": "{answer}", **self.pair}
        return {name: text_of(template, kind).format_map(variables).strip() for name, template in templates.items()}


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
