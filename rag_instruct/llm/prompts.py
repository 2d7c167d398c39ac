"""Reads prompt files: one or more requests to the teacher, whose replies fill variables.

A prompt set is a folder with one YAML file per paradigm.

A text may have a version for each kind of task: question, command, explanation, comparison, claim or choice.
`synthesis/sentence_focus.py` finds the kind of an exemplar.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from string import Formatter
from typing import Any, Literal, TypeVar

import jsonschema
from pydantic import Field

from rag_instruct.errors import UserError
from rag_instruct.llm.segments import Reply, Request
from rag_instruct.reasons import Fault, Reason
from rag_instruct.settings import hint
from rag_instruct.settings.explain import read_section
from rag_instruct.settings.languages import LANGUAGE_NAMES
from rag_instruct.settings.section import Maybe, OrByName, Section
from rag_instruct.thoughts import without_thoughts

ByKind = OrByName[str]  # one text, or texts by kind of task, with `any` for all other kinds

HALF = re.compile("[\ud800-\udfff]")  # half of a surrogate pair, which JSON may escape and UTF-8 cannot encode
T = TypeVar("T")

OF_DOCUMENTS = "question documents"  # what the judge reads
# The variables that requests are given, by the name of the prompt's file. Prompts of paradigms are given those of their
# focus.
GIVEN = {
    "knowledge_intensive": "instructions",
    "criteria": "question reference",
    "closed_book": OF_DOCUMENTS,
    "with_documents": OF_DOCUMENTS,
    "from_documents": OF_DOCUMENTS,
    "grade": "question reference answer criteria",
    "grade_open": "question reference answer criteria",
}
GIVEN_BY_FOCUS = {
    "document": "documents exemplar simulation",
    "sentence": "instruction fact questions answer options letter kind exemplar simulation",
}


def of_kind(choices: Mapping[str, T], kind: str) -> T | None:
    """Return the choice for a kind of task ("command when"), or else for its first word ("command"), or for `any`."""
    return next((choices[key] for key in (kind, kind.split()[0], "any") if key in choices), None)


def text_of(choices: ByKind, kind: str) -> str:
    """Return the text for a kind of task."""
    return choices if isinstance(choices, str) else of_kind(choices, kind) or ""


class Turn(Section):
    """A question and an answer that the teacher sees as an example."""

    user: str = Field(description="What the user says.")
    assistant: str = Field(description="What the assistant answers.")


class Step(Section):
    """One request: messages made from variables, and the form of the reply.

    `examples` become earlier turns of the chat. The reply is JSON of one of two forms:

    - a string, which fills the variable that has the step's `name`. The request asks for a string that matches
      `pattern`. In the pattern, <variable> stands for any one line of that variable's value.
    - an object of `schema`. Each member fills the variable of its name. `defaults` replaces members that are missing.

    A reply whose `skip` is true declines to write anything.
    """

    name: str = Field(description="The step's name, and the variable that a text reply fills.")
    user: ByKind = Field(description="The user's message: a text with {variables}, or texts by kind of task.")
    max_tokens: int = Field(description="The most tokens of a reply.")
    system: str = Field("", description="The system's message.")
    examples: dict[str, list[Turn]] = Field({}, description="Example turns before the user's message, by kind of task.")
    pattern: ByKind = Field(
        "^.+$", description="The pattern of a text reply, or patterns by kind of task. Only the endpoint applies it."
    )
    reply_schema: Maybe[dict[str, Any]] = Field(
        None, alias="schema", description="The JSON schema of a reply whose members fill variables."
    )
    defaults: dict[str, Any] = Field({}, description="The values of members that a reply may leave out.")
    notes: list[str] = Field(
        [], description="Members in which the teacher only thinks: whatever a reply has there is accepted."
    )
    among: str = Field("", description="The variable with the texts, one a line, of which the reply must be one.")

    @property
    def fills(self) -> set[str]:
        """The variables that every reply of the right form fills."""
        schema = self.reply_schema or {}
        return {*self.defaults, *(schema.get("required", ()) if "properties" in schema else (self.name,))}

    def asking_for(self, name: str) -> "Step":
        """Return the step with one more text in its reply."""
        schema = self.reply_schema or {}
        members = {**schema["properties"], name: {"type": "string"}}
        wider = {**schema, "required": [*schema.get("required", ()), name], "properties": members}
        return self.replaced(schema=wider, defaults={**self.defaults, name: ""})

    def body(self, kind: str, variables: Mapping[str, Any], more: str = "") -> Request:
        """Return the request, without the model and its sampling. `more` is added to the user's message."""
        messages = [{"role": "system", "content": self.system.strip()}] if self.system else []
        for example in of_kind(self.examples, kind) or []:
            messages.append({"role": "user", "content": example.user.strip()})
            messages.append({"role": "assistant", "content": example.assistant.strip()})
        asked = text_of(self.user, kind).format_map(variables).strip()
        messages.append({"role": "user", "content": f"{asked}\n\n{more.strip()}" if more else asked})
        schema = self.reply_schema or {"type": "string", "pattern": _filled(text_of(self.pattern, kind), variables)}
        form = {"name": self.name, "schema": schema, "strict": self.reply_schema is not None}
        response_format = {"type": "json_schema", "json_schema": form}
        return {"messages": messages, "response_format": response_format, "max_tokens": self.max_tokens}

    def parse(self, reply: str) -> dict[str, Any] | None:
        """Return the variables that `reply` fills, or None if its form is wrong.

        We check that the reply is a string or fits `schema`. We do not check `pattern`. Endpoints without
        response_format may put words, code fences or wrong quotes around a JSON object. We repair these, but not a
        missing end. A text reply may also come without quotes. Members that nobody asked for, such as an
        "explanation", are left out. A text with half of a surrogate pair has the wrong form, because no file can
        hold it.
        """
        for read_value in _readings(reply, bare=self.reply_schema is None):
            value = self._schema_members(read_value) if self.reply_schema else read_value
            try:
                jsonschema.validate(value, self.reply_schema or {"type": "string"})
            except (jsonschema.ValidationError, RecursionError):
                continue
            if HALF.search(json.dumps(value, ensure_ascii=False)):
                continue
            values = value if isinstance(value, dict) else {self.name: value}
            return {name: said.strip() if isinstance(said, str) else said for name, said in values.items()}
        return None

    def _schema_members(self, value: Any) -> Any:
        """Return the members of a reply that the schema has, with `defaults` for missing ones.

        Return the reply as it is, so that it does not fit the schema, if its other members cast doubt on these:

        - a member that is a number: the reply numbers its parts in another way than we asked;
        - any other member, while a text is missing: the text perhaps has the other name.
        """
        members = (self.reply_schema or {}).get("properties", {})
        if isinstance(value, dict) and len(value) == 1 and not members.keys() & value:
            (value,) = value.values()  # {"result": {...}}
        if not isinstance(value, dict):
            return value
        others = value.keys() - members
        texts = [name for name, default in self.defaults.items() if default == "" and name not in self.notes]
        missing_texts = [name for name in texts if name not in value]
        if others and (missing_texts or any(map(str.isdigit, others))):
            return value
        wanted = members.keys() - {name for name in self.notes if not isinstance(value.get(name), str)}
        return {**self.defaults, **{name: said for name, said in value.items() if name in wanted}}


def _readings(reply: str, bare: bool) -> Iterator[Any]:
    """Yield the values that a reply may mean, the most literal first. Thoughts before the answer are no part of it."""
    with suppress(ValueError, RecursionError):
        yield json.loads(reply)
    if (answer := without_thoughts(reply)) != reply:
        reply = answer
        with suppress(ValueError, RecursionError):
            yield json.loads(reply)
    if bare:
        # Text that begins like JSON is broken JSON, not an answer.
        if reply.strip()[:1] not in ('"', "{", "["):
            yield reply
    elif found := re.search(r"\{.*\}", reply, re.S):
        import json_repair  # plans load this module, and read no answers

        with suppress(ValueError, RecursionError):
            yield json_repair.loads(found[0])


def _filled(pattern: str, variables: Mapping[str, Any]) -> str:
    def literal(found: re.Match[str]) -> str:
        # We escape special characters only: the grammars of some endpoints refuse other escapes of `re.escape`.
        lines = [re.sub(r"([.^$*+?{}()\[\]|\\/])", r"\\\1", line) for line in variables[found[1]].splitlines()]
        return f"({'|'.join(lines)})"

    return re.sub(r"<(\w+)>", literal, pattern)


def read(step: Step, reply: Reply) -> dict[str, Any] | Fault:
    """Return the variables that a reply fills, or the fault because of which it cannot be used."""
    if reply["finish_reason"] == "failed":
        return Fault(Reason.NO_ANSWER, reply["failure"])
    if reply["finish_reason"] != "stop":
        return Fault(Reason.UNFINISHED, reply["finish_reason"])
    values = step.parse(reply["text"])
    if values is None:
        return Fault(Reason.REFUSED if reply.get("refusal") else Reason.UNPARSABLE)
    return Fault(Reason.SKIPPED) if values.get("skip") is True else values


class Prompt(Section):
    """The requests of one prompt file.

    `focus` says what the teacher writes from: whole documents, or single sentences for very small models.
    `simulation` is the text that asks the teacher to imitate the exemplar. `pair` has templates that make the question
    and the answer from variables. Without a template, the variables `question` and `answer` are used.
    """

    version: int = Field(description="The prompt's version, recorded in each row.")
    steps: list[Step] = Field(min_length=1, description="The requests, in order.")
    focus: Literal["document", "sentence"] = Field("document", description="What the teacher writes from.")
    simulation: str = Field("", description="The text that asks the teacher to imitate the exemplar.")
    forms: dict[str, str] = Field(
        {}, description="For {form} in `simulation`: a description of each kind of task, with an example."
    )
    citing: str = Field("", description="The text that asks for citations in the answer.")
    declining: str = Field(
        "", description="The text that asks for `declined`: what to answer where document {withheld} is missing."
    )
    pair: dict[str, ByKind] = Field({}, description="Templates of the question and the answer, from variables.")

    @property
    def templates(self) -> dict[str, ByKind]:
        """The templates of a row's question and answer."""
        return {"question": "{question}", "answer": "{answer}", **self.pair}

    def simulated(self, kind: str, exemplar: str) -> str:
        """Return the text that asks the teacher to imitate an exemplar of this kind; "" if there is no exemplar."""
        form = of_kind(self.forms, kind) or ""
        return self.simulation.format_map({"exemplar": exemplar, "form": form}) if exemplar else ""

    def additions(self, citing: bool, withheld: int) -> str:
        """Return the texts that ask for citations, and for the answer without document `withheld` unless it is 0."""
        declining = self.declining.replace("{withheld}", str(withheld)) if withheld else ""
        return "\n".join(text for text in (self.citing if citing else "", declining) if text)

    def written(self, kind: str, variables: Mapping[str, Any]) -> dict[str, str]:
        """Return the row's question and answer."""
        texts = {name: text_of(template, kind) for name, template in self.templates.items()}
        return {name: text.format_map(variables).strip() for name, text in texts.items()}


def load_prompt(path: Path, language: str = "en") -> Prompt:
    """Read and check a prompt file. A UserError names the file, the wrong key, and a variable that its text lacks.

    For another language than English (ISO 639-1), each request also names the language to write in.
    """
    prompt = read_section(Prompt, path)
    _check_variables(prompt, path)
    if language == "en":
        return prompt
    if prompt.focus == "sentence":
        raise UserError(f"{path}: these prompts write English only: use `full`, or `language: en`")
    said = f"Write the question and the answer in {LANGUAGE_NAMES[language]}, whatever language the instruction is in."
    steps = [step.model_copy(update={"system": f"{step.system.rstrip()}\n\n{said}"}) for step in prompt.steps]
    return prompt.model_copy(update={"steps": steps})


def _check_variables(prompt: Prompt, path: Path) -> None:
    """Raise UserError for a text with a variable that it is not given, or with a brace that begins none."""
    known = set(GIVEN.get(path.stem, GIVEN_BY_FOCUS[prompt.focus]).split())
    for number, step in enumerate(prompt.steps):
        place = f"{path}: steps.{number}"
        _check_texts(f"{place}.user", step.user, known)
        named = [(f"{place}.pattern", name) for text in _texts(step.pattern) for name in re.findall(r"<(\w+)>", text)]
        for where, name in [*named, *([(f"{place}.among", step.among)] if step.among else [])]:
            if name not in known:
                raise UserError(f"{where}: {name!r} is no variable here: {hint(name, sorted(known))}")
        known |= step.fills
    _check_texts(f"{path}: simulation", prompt.simulation, {"exemplar", "form"})
    if prompt.declining and "properties" not in (prompt.steps[-1].reply_schema or {}):
        raise UserError(
            f"{path}: declining: the reply of the last step has no place for `declined`: give the step a `schema` with "
            "`properties`, or leave `declining` out"
        )
    if path.stem not in GIVEN:  # a paradigm's prompt
        for name, template in prompt.templates.items():
            _check_texts(f"{path}: pair.{name}", template, known)


def _check_texts(where: str, texts: ByKind, known: set[str]) -> None:
    as_text = "write {{ and }} for braces that are text"
    for text in _texts(texts):
        try:
            names = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise UserError(f"{where}: {error}: {as_text}") from None
        for name in names:
            if name not in known:
                raise UserError(f"{where}: {{{name}}} is no variable here: {hint(name, sorted(known))}; or {as_text}")


def _texts(texts: ByKind) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts.values())
