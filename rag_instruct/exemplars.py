"""Exemplar instructions: the first human turn of five public sets, drawn and filtered."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rag_instruct.cli import logger, progress
from rag_instruct.errors import UserError
from rag_instruct.files import digest, read_jsonl, read_text

Exemplar = dict[str, Any]  # id, source, row, license, instruction
Record = dict[str, Any]


class WrongSchema(Exception):
    """A record lacks what its set's schema promises."""


def _human_turn(turns: Any, role: str, text: str, human: tuple[str, ...]) -> str | None:
    if not isinstance(turns, list):
        raise WrongSchema(f"no list of turns, but {turns!r:.60}")
    for turn in turns:
        if not isinstance(turn, dict) or role not in turn or text not in turn:
            raise WrongSchema(f"a turn without {role!r} and {text!r}: {turn!r:.60}")
        if turn[role] in human:
            return str(turn[text])
    return None


def _member(record: Record, name: str) -> Any:
    if name not in record:
        raise WrongSchema(f"no {name!r}, it has {', '.join(record) or 'nothing'}")
    return record[name]


def _sharegpt(record: Record) -> str | None:
    return _human_turn(_member(record, "conversations"), "from", "value", ("human", "user"))


def _alpaca(record: Record) -> str | None:
    instruction, given = str(_member(record, "instruction")), str(record.get("input") or "")
    return f"{instruction}\n{given}" if given else instruction


def _lmsys(record: Record) -> str | None:
    # Redacted rows hold NAME_1 and the like; flagged ones no one wants to imitate.
    conversation = _member(record, "conversation")
    flagged = any(turn.get("flagged") for turn in record.get("openai_moderation") or [])
    if record.get("language") != "English" or record.get("redacted") or flagged:
        return None
    return _human_turn(conversation, "role", "content", ("user",))


def _plain(record: Record) -> str | None:
    return str(record["instruction"] if "instruction" in record else _member(record, "question"))


SCHEMAS = {
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "wizardlm": lambda record: str(_member(record, "instruction")),
    "lmsys": _lmsys,
    "slimorca": _sharegpt,
    "openorca": lambda record: str(_member(record, "question")),
    "plain": _plain,
}


def load(paths: Iterable[Path], name: str, schema: str, license_: str) -> Iterator[Exemplar]:
    """The first human turn of each record of a set that has one, English and unredacted where the set says.

    Raises UserError for a record of another schema, naming the file and the record.
    """
    row = -1
    without = 0
    for path in paths:
        for record in progress(_records(path), f"reading {path.name}"):
            row += 1
            try:
                if not isinstance(record, dict):
                    raise WrongSchema(f"not an object, but {record!r:.60}")
                instruction = SCHEMAS[schema](record)
            except WrongSchema as error:
                raise UserError(
                    f"{path}, record {row + 1}: not of the schema {schema!r}: {error}. "
                    f"Give the right `schema` for {name} in config.yaml, or mend the file"
                ) from error
            if instruction is None or not instruction.strip():
                without += 1
                continue
            yield {
                "id": f"{name}:{row}",
                "source": name,
                "row": row,
                "license": license_,
                "instruction": instruction.strip(),
            }
    if row < 0:
        raise UserError(f"{', '.join(map(str, paths))}: no record in it")
    logger.info("%s: %d records, %d without a usable English human turn", name, row + 1, without)


def _records(path: Path) -> Iterator[Any]:
    if path.suffix == ".parquet":
        try:
            for batch in pq.ParquetFile(path).iter_batches(1024):
                yield from batch.to_pylist()
        except (OSError, pa.ArrowInvalid) as error:
            raise UserError(f"{path}: not a readable Parquet file ({error})") from error
    elif path.suffix == ".jsonl":
        yield from read_jsonl(path)
    else:
        yield from _json_array(path)


def _json_array(path: Path) -> list[Any]:
    try:
        value = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}, line {error.lineno}: not JSON ({error.msg}); a file of JSON lines is named .jsonl"
        ) from error
    if not isinstance(value, list):
        raise UserError(f"{path}: a JSON array of records is needed, not {type(value).__name__}")
    return value


def draw(exemplars: Iterable[Exemplar], count: int, seed: str) -> list[Exemplar]:
    """`count` exemplars by digest, no instruction twice: another set, or a larger count, moves no pick."""
    unique: dict[str, Exemplar] = {}
    for exemplar in exemplars:
        unique.setdefault(" ".join(exemplar["instruction"].casefold().split()), exemplar)
    return sorted(unique.values(), key=lambda exemplar: digest(seed, exemplar["id"]))[:count]


LONGEST = 1500  # characters: longer instructions carry texts of their own
SHORTEST = 12
# Each rule names the kind of instruction that documents cannot help with.
RULES = {
    "too short": re.compile(rf"^.{{0,{SHORTEST}}}$", re.S),
    "too long": re.compile(rf"^.{{{LONGEST},}}$", re.S),
    "code": re.compile(
        r"```|[{};]\s*\n|\b(python|javascript|c\+\+|sql|html|css|regex|source code|snippet|api|programming)\b"
        r"|\b(write|implement|debug|fix)\b.{0,40}\b(code|function|script|program|class|query|algorithm)\b",
        re.I | re.S,
    ),
    "arithmetic": re.compile(
        r"\d\s*[-+*/^=]\s*\d|\b(calculate|compute|solve|equation|square root|average of)\b"
        r"|\d.*\bhow (much|many|long|far)\b.*\b(pay|cost|left|together|remain|need)\b|percent(age)? of \d",
        re.I | re.S,
    ),
    "creative": re.compile(
        r"\b(write|compose|create|invent|make up|generate|draft|tell)\b.{0,40}"
        r"\b(poem|haiku|limerick|story|song|lyrics|joke|slogan|tagline|email|e-mail|letter|tweet|caption|dialogue|headline|advertisement|speech|birthday|toast)\b",
        re.I | re.S,
    ),
    "works on a given text": re.compile(
        r"\b(rewrite|rephrase|paraphrase|proofread|translate|edit|correct|fix|shorten|summari[sz]e|classify|categori[sz]e|identify|convert|extract)\b"
        r".{0,60}\b(sentence|paragraph|text|grammar|passage|word|phrase|message|tone|following)\b|\b(sentence|grammar|spelling)\b",
        re.I | re.S,
    ),
    "personal": re.compile(
        r"\b(I'm|I am|I've|I feel|should I|advice|how are you|your (favou?rite|day|name))\b"
        r"|\bmy (boss|friend|wife|husband|mom|mum|dad|cat|dog|job|sister|brother|neighbou?r|roommate|partner"
        r"|colleague|boyfriend|girlfriend|birthday|house|kitchen|cv|resume)\b",
        re.I,
    ),
    "chit-chat": re.compile(r"^\W*(hi|hello|hey|thanks|thank you|good (?:morning|evening)|what'?s up)\b", re.I),
}


def filter_by_rules(exemplars: Iterable[Exemplar]) -> tuple[list[Exemplar], list[Exemplar]]:
    """Kept exemplars and dropped ones (with the rule's name as `reason`): the free filter."""
    kept: list[Exemplar] = []
    dropped: list[Exemplar] = []
    for exemplar in exemplars:
        reason = next((name for name, rule in RULES.items() if rule.search(exemplar["instruction"])), None)
        if reason:
            dropped.append({**exemplar, "reason": reason})
        else:
            kept.append(exemplar)
    return kept, dropped


def report(kept: list[Exemplar], dropped: list[Exemplar]) -> None:
    """Say what was kept by set, and why the rest was dropped."""
    by_set = Counter(exemplar["source"] for exemplar in kept)
    reasons = Counter(exemplar["reason"] for exemplar in dropped)
    logger.info("kept %d of %d exemplars: %s", len(kept), len(kept) + len(dropped), dict(sorted(by_set.items())))
    logger.info("dropped: %s", dict(sorted(reasons.items())))
