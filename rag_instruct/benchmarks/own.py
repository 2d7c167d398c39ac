"""A user's own benchmark: records with `question` and `answers`. Choices and documents are optional."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from string import ascii_uppercase
from types import MappingProxyType
from typing import Any

from rag_instruct.benchmarks import Benchmark
from rag_instruct.benchmarks.records import id_of, questions_of_files
from rag_instruct.errors import UserError
from rag_instruct.records import PLAIN, Form, Row, member
from rag_instruct.records.values import is_missing, listed, shown, text_of, unique, word_of, words_of
from rag_instruct.schema import Question
from rag_instruct.scoring.paper import own_rule
from rag_instruct.scoring.scores import score_by_form

REMEDY = "correct or remove the record (docs/adding_a_benchmark.md lists the forms of each field)"
ANSWERS = ("answers", "answer", "answerKey")  # the first that is filled in counts
IDS = ("id", "_id", "qid", "question_id")  # the first that a record has
Choices = tuple[tuple[str, str], ...]
Fields = Mapping[str, str | list[str]]
PLACE = re.compile("0|[1-9][0-9]?")  # a larger number can only be a choice's text
YES_NO = (("yes", "yes"), ("no", "no"))  # of a question whose answer is JSON's true or false


def build(record: Any, number: int) -> Question:
    choices = _choices(listed(_given(record, "choices") or _given(record, "options") or _lettered(record), "choices"))
    named = _answer_field(record)
    if not named and (empty := next((field for field in ANSWERS if field in record), "")):
        raise ValueError(f"the field {empty!r} is empty: fill it in")
    given = _needed(record, named or ANSWERS[0])
    if isinstance(given, bool) and not choices:
        given, choices = ("yes" if given else "no"), YES_NO
    elif not choices:
        _refuse_unnamed_choices(record, given)
    return Question(
        id=id_of(record, number, next((name for name in IDS if name in record), "id")),
        question=_needed(record, "question"),
        answers=_labels(given, choices) if choices else unique(_answers(given)),
        choices=choices,
        documents=_documents(_given(record, "documents") or _given(record, "context")),
        gold_titles=unique(_texts(record, "gold_titles")),
        gold_passage_ids=unique(_texts(record, "gold_passage_ids")),
    )


def _needed(record: Any, field: str) -> Any:
    try:
        return member(record, field)
    except KeyError as error:
        raise KeyError(f"{error.args[0]}; if another field has it, name that under `fields`") from error


def _named(record: Any, field: str) -> Any:
    try:
        return member(record, field)
    except KeyError as error:
        raise KeyError(f"{error.args[0]}; if `fields` has a wrong name, correct it there") from error


def _renamed(record: Any, fields: Fields) -> dict[str, Any]:
    """Return the record with our names for its fields. Several names make one list of all that these fields have."""
    named = {ours: [theirs] if isinstance(theirs, str) else theirs for ours, theirs in fields.items()}
    separator = "".join(named.pop("separator", []))
    letters = set(ascii_uppercase).intersection(chain(*named.values()))  # a column Q of questions is no choice
    found = {key: value for key, value in record.items() if key not in letters}
    for ours, names in named.items():
        found[ours] = _named(record, names[0]) if len(names) == 1 else _together(record, names)
    if (answers := _answer_field(found)) and separator:
        found[answers] = _divided(found[answers], separator)
    return found


def _answer_field(record: Any) -> str:
    """Return the name of the field with the answers: the first that is filled in, or ""."""
    return next((field for field in ANSWERS if _given(record, field) is not None), "")


def _divided(given: Any, separator: str) -> Any:
    """Return the parts of a text, or of each text in a list. Other forms already separate their answers."""
    if not isinstance(given, str | list):
        return given
    texts = given if isinstance(given, list) else [given]
    return [part for text in texts for part in (text.split(separator) if isinstance(text, str) else [text])]


def _typed(cell: Any) -> Any:
    """Return what the cell of a table means: true or false, a place among choices, a list of places, or a text."""
    text = cell.strip() if isinstance(cell, str) else ""
    if text[:1] + text[-1:] == "[]":
        cell = listed(text, "answers")
    if isinstance(cell, list):
        return [int(part) if isinstance(part, str) and PLACE.fullmatch(part) else part for part in cell]
    if text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    return int(text) if PLACE.fullmatch(text) else cell


def _together(record: Any, names: Sequence[str]) -> list[Any]:
    """Return a list of what the named fields have. Cells of tables may hold lists."""
    found: list[Any] = []
    for name in names:
        value = _named(record, name)
        with suppress(TypeError):  # else the text itself stands in brackets
            value = listed(value, name)
        found += value if isinstance(value, list) else [value]
    return [part for part in found if not is_missing(part) and part != ""]


def _refuse_unnamed_choices(record: Any, given: Any) -> None:
    """Refuse `answers` that are the options, as ReClor has them: each would count as right."""
    label = str(_given(record, "label"))
    if isinstance(given, list) and len(given) > 1 and label.isdecimal() and int(label) < len(given):
        raise ValueError(
            f"the {len(given)} answers seem to be choices, of which `label` numbers the right one: call them `choices` "
            "and `answers`"
        )


def _given(record: Any, field: str) -> Any:
    """Return the field's value, or None for a missing or empty one."""
    value = record.get(field)
    return None if is_missing(value) or value in ("", [], {}) else value


def _lettered(record: Any) -> dict[str, Any]:
    """Return the choices of a table with a column for each: A, B, C and so on, as MMLU's files have them."""
    filled = [letter for letter in ascii_uppercase if _given(record, letter) is not None]
    if not filled or len(record.keys() & set("ABC")) < 2:  # a column A alone, or N and K, are no choices
        return {}
    if filled != list(ascii_uppercase[: max(len(filled), 2)]):
        empty = next(letter for letter in ascii_uppercase if letter not in filled)
        raise ValueError(f"choice {empty} is empty, but choice {filled[-1]} is not")
    return {letter: record[letter] for letter in filled}


def _texts(record: Any, field: str) -> list[str]:
    value = _given(record, field)
    return [] if value is None else words_of(value, field)


def _answers(given: Any) -> list[str]:
    """Return the answers: a text, a list, SQuAD's object of texts, or TriviaQA's object of value and aliases."""
    given = listed(given, "answers") if isinstance(given, str) and given.strip()[-1:] in ("]", "}") else given
    if isinstance(given, Mapping) and "text" in given:
        return words_of(given["text"], "answers' text")
    if isinstance(given, Mapping) and "value" in given:
        return [*words_of(given["value"], "answer's value"), *words_of(given.get("aliases", []), "answer's aliases")]
    if isinstance(given, list) and given and all(isinstance(one, Mapping) and "text" in one for one in given):
        return [word_of(one["text"], "answer's text") for one in given]
    return words_of(given, "answers")


def _choices(given: Any) -> Choices:
    """Return (label, text) pairs.

    A record has a list of texts, a list of pairs, a list of objects with label and text, an object of texts by label,
    or an object with the list of labels and the list of texts. Labels that all texts begin with are taken off.
    """
    if not given:
        return ()
    if isinstance(given, Mapping) and isinstance(given.get("text"), list):
        pairs = _zipped(given["text"], given.get("label"))
    elif isinstance(given, Mapping) and not given.keys() & {"label", "text"}:
        pairs = list(given.items())
    elif isinstance(given, list):
        pairs = list(map(_choice, given)) if isinstance(given[0], Mapping | list) else _zipped(given, None)
    else:
        raise TypeError(f"the choices must be a list, or an object of texts by label, but are {shown(given)}")
    found = tuple((word_of(label, "choice's label"), word_of(text, "choice's text")) for label, text in pairs)
    if len({label for label, _ in found}) < len(found):
        raise ValueError(f"two choices have the same label: {', '.join(label for label, _ in found)}")
    bare = [_without_label(label, text) for label, text in found]
    return tuple((label, text) for (label, _), text in zip(found, bare, strict=True)) if all(bare) else found


def _zipped(texts: list[Any], labels: Any) -> list[tuple[Any, Any]]:
    """Return (label, text) pairs. Texts without labels get the letters from A."""
    if labels is None and len(texts) > len(ascii_uppercase):
        raise ValueError(f"there are {len(texts)} choices, more than letters: give each a label")
    labels = ascii_uppercase[: len(texts)] if labels is None else labels
    if not isinstance(labels, str | list) or len(labels) != len(texts):
        raise ValueError(f"{len(texts)} choices need as many labels, but have {shown(labels)}")
    return list(zip(labels, texts, strict=True))


def _choice(option: Any) -> tuple[Any, Any]:
    if isinstance(option, Mapping):
        return member(option, "label"), member(option, "text")
    if not isinstance(option, list) or len(option) != 2:
        raise TypeError(f"a choice must be a pair of label and text as the first one is, but is {shown(option)}")
    return option[0], option[1]


def _without_label(label: str, text: str) -> str:
    """Return a text without the label that it begins with ("B. bat", "(B) bat"), or "" if it begins with none."""
    found = re.fullmatch(rf"\(?{re.escape(label)}[.):]\s+(\S.*)", text, re.DOTALL)
    return found[1] if found else ""


def _labels(given: Any, choices: Choices) -> tuple[str, ...]:
    """Return the labels of the right options.

    The record has their labels, their texts, or their places from 0, as MMLU and class labels have them.
    """
    values = given if isinstance(given, list) else [given]
    if isinstance(given, bool):
        return (_by_verdict(given, choices),)
    if all(type(value) is int for value in values):
        return tuple(dict.fromkeys(_by_number(value, choices) for value in values))
    answers = unique(_answers(given))
    named = [label for label, _ in choices if label in answers]
    texts = {text for answer in answers for text in (answer, *(_without_label(label, answer) for label, _ in choices))}
    found = tuple(named or [label for label, text in choices if text in texts] or _written_otherwise(answers, choices))
    if answers and not found:
        raise ValueError(f"the answer {shown(answers[0])} is neither a label nor a text of the choices")
    return found


def _written_otherwise(answers: Sequence[str], choices: Choices) -> list[str]:
    """Return the labels that the answers mean by "(b)", "B." or "Option B", or by a text in other capitals.

    Return an empty list if an answer means no choice, or several.
    """
    found = []
    for answer in answers:
        bare = re.sub(r"^(?:option|choice|answer)\s+|[().:]", "", answer.casefold()).strip()
        meant = [label for label, text in choices if label.casefold() == bare]
        meant = meant or [label for label, text in choices if text.casefold().strip() == answer.casefold()]
        if len(meant) != 1:
            return []
        found += meant
    return found


def _by_verdict(given: bool, choices: Choices) -> str:
    """Return the label of the choice that is true or yes, or else false or no."""
    for word in ("true", "yes") if given else ("false", "no"):
        found = [label for label, text in choices if word in (label.casefold(), text.strip().casefold())]
        if len(found) == 1:
            return found[0]
    raise ValueError(f"the answer {str(given).lower()} is neither a label nor a text of the choices")


def _by_number(number: int, choices: Choices) -> str:
    named = {label for label, text in choices if str(number) in (label, text)}
    lettered = [label for label, _ in choices] == list(ascii_uppercase[: len(choices)])
    placed = {choices[number][0]} if lettered and 0 <= number < len(choices) else set()
    if len(named | placed) != 1:
        meant = "two choices, as a text and as a place from 0" if named else "no choice (places count from 0)"
        raise ValueError(f"the answer {number} means {meant}: give the right choice's label")
    return (named | placed).pop()


def _documents(given: Any) -> tuple[str, ...]:
    """Return the question's documents.

    A record has one text, a list of texts, objects with title and text, or HotpotQA's pairs of title and sentences.
    """
    if given is None:
        return ()
    if isinstance(given, str) and given.strip()[:1] + given.strip()[-1:] in ("[]", "{}"):
        with suppress(TypeError):  # else the text itself stands in brackets
            given = listed(given, "documents")
    if isinstance(given, Mapping) and isinstance(given.get("sentences"), list):
        given = [list(pair) for pair in zip(member(given, "title"), given["sentences"], strict=True)]
    return tuple(_document(part) for part in (given if isinstance(given, list) else [given]))


def _document(given: Any) -> str:
    if isinstance(given, Mapping):
        if "text" not in given:
            raise ValueError(f"a document has no 'text', it has {', '.join(map(str, given))}")
        title, text = text_of(given.get("title"), "document's title"), text_of(given["text"], "document's text")
    elif isinstance(given, list):
        if len(given) != 2:
            raise ValueError(f"a document that is a list must be a pair of title and sentences, but is {shown(given)}")
        title, sentences = given
        title, text = text_of(title, "document's title"), "".join(words_of(sentences, "document's sentences"))
    else:
        title, text = "", text_of(given, "document")
    if not text.strip():
        raise ValueError("a document is empty: fill it in, or remove it")
    return f"{title}\n{text}" if title else text


def read(
    paths: list[Path],
    form: Form = PLAIN,
    where: Mapping[str, str] = MappingProxyType({}),
    fields: Fields = MappingProxyType({}),
) -> Iterator[Question]:
    """Yield the questions of a user's own files.

    With `where`, only records with these field values count. `fields` maps our names of fields to the file's.
    """
    names: dict[str, None] = {}  # of the fields of all records

    def chosen(record: Any, number: int) -> Question | None:
        names.update(dict.fromkeys(record))
        wanted = all(_as_text(record.get(key)) == value for key, value in where.items())
        if not wanted:
            return None
        found = _renamed(record, fields)
        if isinstance(record, Row) and (answers := _answer_field(found)):
            found[answers] = _typed(found[answers])
        return build(found, number)

    yield from questions_of_files(paths, chosen, form=form, remedy=REMEDY)
    lacking = next((key for key, value in where.items() if key not in names and value != _as_text(None)), "")
    if names and lacking:
        raise UserError(
            f"{', '.join(map(str, paths))}: `where` names the field {lacking!r}, but the records have only "
            f"{', '.join(names):.300}: correct `where` in config.yaml"
        )


def _as_text(value: Any) -> str:
    """Return a text, or the JSON of another value: true, 2."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


BENCHMARK = Benchmark(
    "own", "own", "open", "accuracy", size=0, questions=read, score=score_by_form, paper_score=own_rule
)
