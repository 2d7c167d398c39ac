"""Reads public instruction sets in their original schemas, and extracts an instruction from each record."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.errors import UserError
from rag_instruct.files import whole, write_json
from rag_instruct.logs import logger
from rag_instruct.reasons import Reason
from rag_instruct.records import PLAIN, Form, located_records, member, member_as_list, shown
from rag_instruct.records.values import is_missing, layout_hint, listed, name_of, text_of

TABLE = pa.schema([("row", pa.int64()), ("instruction", pa.string())])
TABLE_ROWS = 8192  # rows that one write takes
MANY = 0.01  # above this share of records, we refuse a set for another schema, and warn of a template's marks
ROLES = (("role", "content"), ("from", "value"), ("role", "text"))  # names of a turn's role and text in public sets
INPUTS = ("input", "context", "instances.input")  # where public sets have the input of an instruction
# What a chat template or Alpaca's prompt puts before an instruction.
MARKS = re.compile(r"\[INST\]|<\|(?:im_start|start_header_id|user)\|>|^### ?(?:Instruction|Human|User)\b", re.MULTILINE)
NO_INPUT = {"", "<noinput>", r"\<noinput\>", "nan"}  # how Alpaca and similar sets write that there is no input


class WrongSchema(Exception):
    """A record does not have the set's schema."""


class UnusedRecord(Exception):
    """A record has the right schema, but we do not use it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Fields:
    """Records whose instruction is the first field of `names` that is not empty, followed by the field `input`."""

    names: tuple[str, ...]
    input: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that we read from a Parquet file."""
        return (*self.names, *([self.input] if self.input else INPUTS))

    def instruction(self, record: Any) -> str:
        """Return the record's instruction, or raise WrongSchema or UnusedRecord."""
        if not isinstance(record, dict):
            raise WrongSchema(f"not an object, but {shown(record)}")
        found = [(value, f"field {name!r}") for name in self.names for value in member_as_list(record, name)]
        found = found or [(_value(record, self.names[0]), "")]
        try:
            text = text_of(*next((one for one in found if not is_missing(one[0]) and str(one[0]).strip()), found[0]))
            given = name_of(_first(_value(record, self.input)), f"field {self.input!r}") if self.input else ""
        except TypeError as error:
            raise WrongSchema(str(error)) from error
        given = "" if given.strip().casefold() in NO_INPUT else given
        return f"{text}\n{given}" if text.strip() and given else text

    def unread(self, record: Any) -> str:
        """Return the name of a field that seems to hold an input and is not read, or "" if there is none."""
        if self.input:
            return ""
        found = ((name, _first(value)) for name in INPUTS for value in member_as_list(record, name))
        return next(
            (name for name, value in found if isinstance(value, str) and value.strip().casefold() not in NO_INPUT), ""
        )


@dataclass(frozen=True)
class Turns:
    """Conversations of turns with a role and a text; the instruction is the first human turn."""

    conversation: str
    role: str = "role"
    text: str = "content"
    human: tuple[str, ...] = ("user", "human")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that we read from a Parquet file."""
        return (self.conversation,)

    def instruction(self, record: Any) -> str:
        """Return the record's instruction, or raise WrongSchema or UnusedRecord."""
        try:
            turns = listed(_value(record, self.conversation), self.conversation)
        except TypeError as error:
            raise WrongSchema(str(error)) from error
        if not isinstance(turns, list):
            raise WrongSchema(f"{self.conversation!r} is no list of turns, but {shown(turns)}")
        if turns and all(isinstance(turn, str) for turn in turns):
            return str(turns[0])  # as in UltraChat: the user speaks first
        human = {role.casefold() for role in self.human}
        for turn in turns:
            if not isinstance(turn, dict) or not {self.role, self.text} <= turn.keys():
                raise WrongSchema(f"a turn without {self.role!r} and {self.text!r}: {shown(turn)}")
            if str(turn[self.role]).casefold() in human:
                try:
                    return text_of(_joined_parts(turn[self.text]), self.text)
                except TypeError as error:
                    raise WrongSchema(str(error)) from error
        raise UnusedRecord(Reason.NO_HUMAN_TURN)

    def unread(self, record: Any) -> str:
        """Return "": a conversation has no separate input."""
        return ""


@dataclass(frozen=True)
class SplitTurns(Turns):
    """ShareGPT, cleaned and split: each part of a long conversation is a record with the id "<id>_<first turn>"."""

    columns = ("id", "conversations")

    def instruction(self, record: Any) -> str:
        """Return the record's instruction, or raise WrongSchema or UnusedRecord."""
        if re.search(r"_0*[1-9]\d*$", str(_value(record, "id"))):
            raise UnusedRecord(Reason.LATER_PART)
        return super().instruction(record)


@dataclass(frozen=True)
class ModeratedTurns(Turns):
    """LMSYS-chat-1M: conversations with language, OpenAI's moderation flags, and whether names were replaced."""

    columns = ("conversation", "language", "redacted", "openai_moderation.flagged")

    def instruction(self, record: Any) -> str:
        """Return the record's instruction, or raise WrongSchema or UnusedRecord."""
        text = super().instruction(record)
        if _value(record, "language") != "English":
            raise UnusedRecord(Reason.LABELLED_LANGUAGE)
        if _value(record, "redacted"):
            raise UnusedRecord(Reason.REDACTED)
        flags = _value(record, "openai_moderation.flagged")
        if not isinstance(flags, list):
            raise WrongSchema(f"'openai_moderation' is no list, but {shown(record['openai_moderation'])}")
        if any(flags):
            raise UnusedRecord(Reason.FLAGGED)
        return text


Schema = Fields | Turns
SHAREGPT = ("conversations", "from", "value")
SCHEMAS: dict[str, Schema] = {
    "alpaca": Fields(("instruction",), "input"),
    "wizardlm": Fields(("instruction",)),
    "sharegpt": Turns(*SHAREGPT),
    "sharegpt_split": SplitTurns(*SHAREGPT),
    "slimorca": Turns(*SHAREGPT),
    "openorca": Fields(("question",)),
    "lmsys": ModeratedTurns("conversation"),
    "plain": Fields(("instruction", "question")),
}


def _joined_parts(content: Any) -> Any:
    """Return the content of a turn. If it is a list of text parts only, return their texts, joined by line breaks."""
    if not isinstance(content, list) or not content:
        return content
    parts = [part for part in content if isinstance(part, dict) and part.get("type") == "text"]
    texts = [text for part in parts if isinstance(text := part.get("text", part.get("value")), str)]
    return "\n".join(texts) if len(texts) == len(content) else content


def _first(given: Any) -> Any:
    """Return the first of several inputs. Other values stay."""
    return given[0] if isinstance(given, list) and given else given


def _value(record: Any, path: str) -> Any:
    try:
        return member(record, path)
    except KeyError as error:
        raise WrongSchema(error.args[0]) from error


def fitting(record: Any) -> list[str]:
    """Return the names of the schemas that fit a record."""
    found = []
    for name, schema in SCHEMAS.items():
        try:
            schema.instruction(record)
        except WrongSchema:
            continue
        except UnusedRecord:
            pass
        found.append(name)
    return found


def _hint(record: Any) -> str:
    """Return what to do about the schema of a record that does not fit."""
    if known := " or ".join(fitting(record)):
        return f"it looks like {known}: give that as the `schema`"
    for name, turns in record.items() if isinstance(record, dict) else ():
        for role, text in ROLES if isinstance(turns, list) and turns and isinstance(turns[0], dict) else ():
            with suppress(WrongSchema, UnusedRecord):
                Turns(name, role, text).instruction(record)
                return (
                    f"it looks like a conversation: give `fields: {{conversation: {name}, role: {role}, text: {text}}}`"
                )
    return "give the right `schema` or `fields`"


def own_schema(fields: Mapping[str, Any]) -> Schema:
    """Return the schema that a user gave as `fields` of a set.

    The keys are `instruction` and `input`, or `conversation`, `role`, `text` and `human`.
    """
    if "instruction" in fields:
        return Fields((fields["instruction"],), fields.get("input", ""))
    given: dict[str, Any] = {name: fields[name] for name in ("role", "text") if name in fields}
    if "human" in fields:
        given["human"] = tuple(fields["human"])
    return Turns(fields["conversation"], **given)


class InstructionSet:
    """The records of an instruction set's files, and how many were left out for each reason."""

    def __init__(self, paths: Iterable[Path], name: str, schema: Schema, form: Form = PLAIN) -> None:
        self.paths, self.name = list(paths), name
        self.records = 0
        self.left_out: Counter[Reason] = Counter()
        self._schema, self._form = schema, form
        self._first_malformed = ""

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Yield the row number and the instruction of each record that we use.

        Raises UserError if no record is left to use, or if the first record or over 1 % of all have another schema.
        """
        unread, marked = Counter[str](), 0
        for path in self.paths:
            for place, record in located_records(path, self._schema.columns, self._form):
                text = self._instruction(path, place, record)
                if text is not None:
                    unread[self._schema.unread(record)] += 1
                    marked += bool(MARKS.search(text))
                    yield self.records, text
                self.records += 1
        self._warn(unread, marked)
        if not self.records:
            raise UserError(f"{', '.join(map(str, self.paths))}: no record in it: is it complete, and the right file?")
        if self.records == sum(self.left_out.values()):
            reasons = ", ".join(f"{reason}: {count:,}" for reason, count in self.left_out.most_common())
            raise UserError(
                f"{', '.join(map(str, self.paths))}: none of {self.records:,} records has an instruction ({reasons}): "
                "give the right `schema` or `fields` in config.yaml; `human` of `fields` lists the roles of the user"
            )
        if self.left_out[Reason.WRONG_SCHEMA] > MANY * self.records:
            raise UserError(
                f"{self.left_out[Reason.WRONG_SCHEMA]:,} of {self.records:,} records are of another schema, "
                f"the first: {self._first_malformed}"
            )

    def _warn(self, unread: Mapping[str, int], marked: int) -> None:
        """Warn of texts in the fields `unread`, and of instructions with a template's marks if there are many."""
        for name in filter(None, unread):
            logger.warning(
                "%s: %d instructions have a text in the field %s, which is not read: if they need it, give `fields` "
                "with `instruction` and `input: %s` in config.yaml", self.name, unread[name], name, name,
            )  # fmt: skip
        if marked > MANY * self.records:
            logger.warning(
                "%s: %d of %d instructions have marks of a prompt's template, such as [INST] or ### Instruction: give "
                "the field of the bare instruction, or remove the marks", self.name, marked, self.records,
            )  # fmt: skip

    def _instruction(self, path: Path, place: str, record: Any) -> str | None:
        try:
            text = self._schema.instruction(record).strip()
        except UnusedRecord as error:
            self.left_out[error.reason] += 1
            return None
        except WrongSchema as error:
            hint = f"{_hint(record)} in config.yaml, or correct the file"
            hint += layout_hint(path, place, record, self._form.under) if isinstance(error.__cause__, KeyError) else ""
            self._malformed(f"{path}, {place}: not of the schema of {self.name}: {error}; {hint}")
            return None
        if not text:
            self.left_out[Reason.EMPTY_INSTRUCTION] += 1
            return None
        return text

    def _malformed(self, said: str) -> None:
        # If the first record has another schema, probably all have. A later one is an isolated error.
        if not self.records:
            raise UserError(said)
        if not self._first_malformed:
            logger.warning("%s. Records with another schema are left out", said)
            self._first_malformed = said
        self.left_out[Reason.WRONG_SCHEMA] += 1


def load(given: InstructionSet, table: Path, summary: Path, described: Mapping[str, Any]) -> None:
    """Write a set's instructions as Parquet, and a summary as JSON.

    The summary has the entries of `described`, the numbers of records and of instructions, and how many records were
    left out for each reason.
    """
    written = 0
    with whole(table) as temporary, pq.ParquetWriter(temporary, TABLE, compression="zstd") as writer:
        rows = iter(given)
        while batch := list(islice(rows, TABLE_ROWS)):
            writer.write_table(pa.table(list(zip(*batch, strict=True)), TABLE))
            written += len(batch)
    left_out = dict(sorted(given.left_out.items()))
    if written + sum(left_out.values()) != given.records:
        raise UserError(
            f"{given.name}: {given.records} records were read, but {written} written and "
            f"{sum(left_out.values())} left out ({left_out}). Please report this bug"
        )
    write_json(summary, {**described, "records": given.records, "left_out": left_out, "instructions": written})
    logger.info("%s: %d records, %d instructions; left out: %s", given.name, given.records, written, left_out)
