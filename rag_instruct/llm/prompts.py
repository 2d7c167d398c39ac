"""Prompt sets: one YAML file a paradigm, each one or more requests whose replies fill variables."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, TypeVar

import json_repair
import jsonschema
from pydantic import Field

from rag_instruct.llm.segments import Reply, Request
from rag_instruct.reasons import Fault, Reason
from rag_instruct.settings.explain import read_section
from rag_instruct.settings.section import Maybe, OrByName, Section

ByKind = OrByName[str]  # a text, or texts by the exemplar's kind of task, with `any` for the rest

T = TypeVar("T")


def of_kind(choices: Mapping[str, T], kind: str) -> T | None:
    """The choice for a kind of task ("order", or finer "order when"), else for its first word, else for `any`."""
    return next((choices[key] for key in (kind, kind.split()[0], "any") if key in choices), None)


def text_of(choices: ByKind, kind: str) -> str:
    """The text for a kind of task."""
    return choices if isinstance(choices, str) else of_kind(choices, kind) or ""


class Turn(Section):
    """A question and an answer that are shown as an example."""

    user: str = Field(description="What the user says.")
    assistant: str = Field(description="What the assistant answers.")


class Step(Section):
    """One request: messages from variables, and the form that the reply must have.

    `examples` are earlier turns of the chat. Texts that may differ by the exemplar's kind of task are keyed by
    it, with `any` for the rest. A reply is JSON. It is either a string that fills the variable `name` and has
    the form of `pattern`, in which <name> stands for any line of a variable. Or it is an object of `schema`,
    whose members fill the variables of their names.
    """

    name: str = Field(description="The step's name, and the variable that a reply of text fills.")
    user: ByKind = Field(description="The user's message: a text with {variables}, or texts by kind of task.")
    max_tokens: int = Field(description="The most tokens of a reply.")
    system: str = Field("", description="The system's message.")
    examples: dict[str, list[Turn]] = Field({}, description="Turns that are shown before, by kind of task.")
    pattern: ByKind = Field(
        "^.+$", description="What a reply of text must match: a pattern, or patterns by kind of task."
    )
    reply_schema: Maybe[dict[str, Any]] = Field(
        None, alias="schema", description="The JSON schema of a reply whose members fill variables."
    )
    kind: str = Field("", description="The variable that holds this step's kind, where it is not the row's.")
    about: str = Field("", description="The variable that holds the fact from which a reply must not stray.")

    def body(self, kind: str, variables: dict[str, str]) -> Request:
        """The request without the model and its sampling."""
        kind = variables.get(self.kind, kind)
        messages = [{"role": "system", "content": self.system.strip()}] if self.system else []
        for example in of_kind(self.examples, kind) or []:
            messages.append({"role": "user", "content": example.user.strip()})
            messages.append({"role": "assistant", "content": example.assistant.strip()})
        messages.append({"role": "user", "content": text_of(self.user, kind).format_map(variables).strip()})
        schema = self.reply_schema or {"type": "string", "pattern": _filled(text_of(self.pattern, kind), variables)}
        form = {"name": self.name, "schema": schema, "strict": self.reply_schema is not None}
        response_format = {"type": "json_schema", "json_schema": form}
        return {"messages": messages, "response_format": response_format, "max_tokens": self.max_tokens}

    def parse(self, reply: str) -> dict[str, str] | None:
        """The variables that `reply` fills, or None when it has another form.

        Endpoints without response_format put words, fences or wrong quotes around the JSON. These are repaired; a
        missing end is not. A reply that should be one string may also come as bare text.
        """
        for value in _readings(reply, bare=self.reply_schema is None):
            try:
                jsonschema.validate(value, self.reply_schema or {"type": "string"})
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


def read(step: Step, reply: Reply) -> dict[str, str] | Fault:
    """Return the variables that a reply fills, or why it fills none."""
    if reply["finish_reason"] == "failed":
        return Fault(Reason.NO_ANSWER, reply["failure"])
    if reply["finish_reason"] != "stop":
        return Fault(Reason.UNFINISHED, reply["finish_reason"])
    values = step.parse(reply["text"])
    return values if values is not None else Fault(Reason.REFUSED if reply.get("refusal") else Reason.UNPARSABLE)


class Prompt(Section):
    """The requests of one file.

    `focus` says what the teacher writes from: whole documents, or one sentence of each, which is all that a
    very small model can use. `simulation` is the text that asks to imitate the exemplar. `pair` has templates
    that make the question and the answer from variables, if they are not variables themselves.
    """

    version: int = Field(description="The prompt's version; rows keep it.")
    steps: list[Step] = Field(min_length=1, description="The requests, in their order.")
    focus: Literal["document", "sentence"] = Field("document", description="What the teacher writes from.")
    simulation: str = Field("", description="The text that asks to imitate the exemplar.")
    pair: dict[str, ByKind] = Field({}, description="Templates of the question and the answer, from variables.")

    def written(self, kind: str, variables: dict[str, str]) -> dict[str, str]:
        """The question and the answer, as the row has them."""
        templates = {"question": "{question}", "answer": "{answer}", **self.pair}
        return {name: text_of(template, kind).format_map(variables).strip() for name, template in templates.items()}


def load_prompt(path: Path) -> Prompt:
    """Read and check a prompt file; UserError names the file and the key that is wrong."""
    return read_section(Prompt, path)
