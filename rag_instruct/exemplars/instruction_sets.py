"""Public instruction sets in their original schemas: the first human turn of each record."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.errors import UserError
from rag_instruct.files import whole, write_json
from rag_instruct.logs import logger
from rag_instruct.reasons import Reason
from rag_instruct.records import foreign_records, member

TABLE = pa.schema([("row", pa.int64()), ("instruction", pa.string())])
TABLE_ROWS = 8192  # written at a time
MALFORMED = 0.01  # share of records of another schema from which on the file is taken to be another one
NO_INPUT = {"", "<noinput>", r"\<noinput\>", "nan"}  # what Alpaca's kind of sets write for none


class WrongSchema(Exception):
    """A record lacks what its set's schema promises."""


class LeftOut(Exception):
    """A record of the right schema that is of no use."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Fields:
    """Records with the instruction in the first of `names` that has a value, and maybe with an input to it."""

    names: tuple[str, ...]
    input: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of a Parquet file."""
        return (*self.names, *filter(None, [self.input]))

    def instruction(self, record: Any) -> str:
        """The record's instruction; raises WrongSchema or LeftOut."""
        if not isinstance(record, dict):
            raise WrongSchema(f"not an object, but {record!r:.60}")
        name = next((name for name in self.names if record.get(name) is not None), self.names[0])
        text, given = _value(record, name), _value(record, self.input) if self.input else None
        if not isinstance(text, str):
            raise WrongSchema(f"{name!r} is no text, but {text!r:.60}")
        given = "" if given is None or str(given).strip().casefold() in NO_INPUT else str(given)
        return f"{text}\n{given}" if given else text


@dataclass(frozen=True)
class Turns:
    """Conversations: turns with a role and a text; the first turn of a human counts."""

    conversation: str
    role: str = "role"
    text: str = "content"
    human: tuple[str, ...] = ("user", "human")

    @property
    def columns(self) -> tuple[str, ...]:
        """What is read of a Parquet file."""
        return (self.conversation,)

    def instruction(self, record: Any) -> str:
        """The record's instruction; raises WrongSchema or LeftOut."""
        turns = _value(record, self.conversation)
        if not isinstance(turns, list):
            raise WrongSchema(f"{self.conversation!r} is no list of turns, but {turns!r:.60}")
        for turn in turns:
            if not isinstance(turn, dict) or self.role not in turn or not isinstance(turn.get(self.text), str):
                raise WrongSchema(f"a turn without {self.role!r} and {self.text!r}: {turn!r:.60}")
            if turn[self.role] in self.human:
                return str(turn[self.text])
        raise LeftOut(Reason.NO_HUMAN_TURN)


@dataclass(frozen=True)
class SplitTurns(Turns):
    """ShareGPT's cleaned and split file, where each part of a long conversation is a record, "<id>_<first turn>"."""

    columns = ("id", "conversations")

    def instruction(self, record: Any) -> str:
        """The record's instruction; raises WrongSchema or LeftOut."""
        if re.search(r"_0*[1-9]\d*$", str(_value(record, "id"))):
            raise LeftOut(Reason.LATER_PART)
        return super().instruction(record)


@dataclass(frozen=True)
class ModeratedTurns(Turns):
    """LMSYS-chat-1M: conversations with their language, OpenAI's moderation, and whether names were replaced."""

    columns = ("conversation", "language", "redacted", "openai_moderation.flagged")

    def instruction(self, record: Any) -> str:
        """The record's instruction; raises WrongSchema or LeftOut."""
        text = super().instruction(record)
        if _value(record, "language") != "English":
            raise LeftOut(Reason.LABELLED_LANGUAGE)
        if _value(record, "redacted"):
            raise LeftOut(Reason.REDACTED)
        flags = _value(record, "openai_moderation.flagged")
        if not isinstance(flags, list):
            raise WrongSchema(f"'openai_moderation' is no list, but {record['openai_moderation']!r:.60}")
        if any(flags):
            raise LeftOut(Reason.FLAGGED)
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


def _value(record: Any, path: str) -> Any:
    try:
        return member(record, path)
    except KeyError as error:
        raise WrongSchema(error.args[0]) from error


def fitting(record: Any) -> list[str]:
    """Return the schemas that fit a record."""
    found = []
    for name, schema in SCHEMAS.items():
        try:
            schema.instruction(record)
        except WrongSchema:
            continue
        except LeftOut:
            pass
        found.append(name)
    return found


def own_schema(fields: Mapping[str, Any]) -> Schema:
    """Return the schema of a user's set: `instruction`, `input`; or `conversation`, `role`, `text`, `human`."""
    if "instruction" in fields:
        return Fields((fields["instruction"],), fields.get("input", ""))
    given: dict[str, Any] = {name: fields[name] for name in ("role", "text") if name in fields}
    if "human" in fields:
        given["human"] = tuple(fields["human"])
    return Turns(fields["conversation"], **given)


class InstructionSet:
    """The records of an instruction set's files, and how many were of no use, by reason."""

    def __init__(self, paths: Iterable[Path], name: str, schema: Schema) -> None:
        self.paths, self.name = list(paths), name
        self.records = 0
        self.left_out: Counter[Reason] = Counter()
        self._schema = schema
        self._first_malformed = ""

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """Read row number and instruction of each record that has one; raise UserError for files of another schema."""
        for path in self.paths:
            for number, record in enumerate(foreign_records(path, self._schema.columns), start=1):
                text = self._instruction(f"{path}, record {number}", record)
                if text is not None:
                    yield self.records, text
                self.records += 1
        if not self.records:
            raise UserError(f"{', '.join(map(str, self.paths))}: no record in it")
        if self.left_out[Reason.WRONG_SCHEMA] > MALFORMED * self.records:
            raise UserError(
                f"{self.left_out[Reason.WRONG_SCHEMA]:,} of {self.records:,} records are of another schema, "
                f"the first: {self._first_malformed}"
            )

    def _instruction(self, place: str, record: Any) -> str | None:
        try:
            text = self._schema.instruction(record).strip()
        except LeftOut as error:
            self.left_out[error.reason] += 1
            return None
        except WrongSchema as error:
            known = " or ".join(fitting(record))
            hint = (
                f"it looks like {known}: give that as the `schema`" if known else "give the right `schema` or `fields`"
            )
            self._malformed(
                f"{place}: not of the schema of {self.name}: {error}; {hint} in config.yaml, or correct the file"
            )
            return None
        if not text:
            self.left_out[Reason.EMPTY_INSTRUCTION] += 1
            return None
        return text

    def _malformed(self, said: str) -> None:
        # A first record of another schema is another file; one among many is a slip in it.
        if not self.records:
            raise UserError(said)
        if not self._first_malformed:
            logger.warning("%s. Such records are left out", said)
        self._first_malformed = self._first_malformed or said
        self.left_out[Reason.WRONG_SCHEMA] += 1


def load(given: InstructionSet, table: Path, summary: Path, described: Mapping[str, Any]) -> None:
    """Write a set's rows as Parquet, and what it is (`described`) with the numbers of records left out, by reason."""
    written = 0
    with whole(table) as temporary, pq.ParquetWriter(temporary, TABLE, compression="zstd") as writer:
        for batch in _batches(given):
            writer.write_table(pa.table(list(zip(*batch, strict=True)), TABLE))
            written += len(batch)
    left_out = dict(sorted(given.left_out.items()))
    if written + sum(left_out.values()) != given.records:
        raise UserError(
            f"{given.name}: {given.records} records came in, {written} + {left_out} went out: report this fault"
        )
    write_json(summary, {**described, "records": given.records, "left_out": left_out, "instructions": written})
    logger.info("%s: %d records, %d instructions; left out: %s", given.name, given.records, written, left_out)


def _batches(rows: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    batch: list[tuple[int, str]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == TABLE_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
