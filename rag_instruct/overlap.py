"""Decontamination: find questions of benchmarks in the texts of exemplars and rows."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl
from rag_instruct.records import PLAIN, Form, located_records, member
from rag_instruct.words import fold, per_words

NGRAM = 13  # adjacent words that two texts do not share by chance (GPT-3, arXiv 2005.14165, appendix C)
WHOLE = 5  # a question of fewer words counts only if it is the whole text


class ContaminationIndex:
    """Finds benchmark questions in texts: 13 adjacent words of a question, or the whole of a shorter question."""

    def __init__(self, questions: Mapping[str, Iterable[str]]) -> None:
        self._questions: dict[str, str] = {}
        self._lengths: set[int] = set()
        self._whole: dict[str, str] = {}  # short questions
        for benchmark, asked in questions.items():
            for question in asked:
                words = _words(question)
                if len(words) < per_words(question, WHOLE):
                    self._whole.setdefault(" ".join(words), f"{benchmark}: {question}")
                    continue
                length = min(len(words), per_words(question, NGRAM))
                self._lengths.add(length)
                for gram in _grams(words, length):
                    self._questions.setdefault(gram, f"{benchmark}: {question}")

    def found(self, text: str) -> str | None:
        """Return the benchmark and its question if the text contains one, or None."""
        words = _words(text)
        if (whole := " ".join(words)) in self._whole and words:
            return self._whole[whole]
        for length in sorted(self._lengths):
            for gram in _grams(words, length):
                if gram in self._questions:
                    return self._questions[gram]
        return None


def _words(text: str) -> list[str]:
    return fold(text).casefold().split()


def _grams(words: list[str], length: int) -> list[str]:
    return [" ".join(words[start : start + length]) for start in range(len(words) - length + 1)]


def contamination_index(files: Iterable[Path]) -> ContaminationIndex:
    """Index the questions in files of scripts.extract_questions. The name of a file is that of its benchmark."""
    return ContaminationIndex({path.stem: (row["question"] for row in read_jsonl(path)) for path in files})


def questions_of(paths: Iterable[Path], question: str, form: Form = PLAIN) -> list[str]:
    """Return the questions of a benchmark, in their order and without repetitions.

    `question` is the path of the question in a record, as in `member`; `form` is that of `located_records`.
    Raises UserError when a record has no question, and when there are no records.
    """
    found: dict[str, None] = {}
    for path in paths:
        for place, record in located_records(path, (question,), form):
            try:
                found |= dict.fromkeys(_texts(member(record, question)))
            except (KeyError, TypeError) as error:
                raise UserError(
                    f"{path}, {place}: {error.args[0]}: give the right `question` in config.yaml"
                ) from error
    if not found:
        raise UserError(f"{', '.join(map(str, paths))}: no question in it: give the right `under` in config.yaml")
    return list(found)


def _texts(value: object) -> list[str]:
    """Return the question as a list, or all questions of a conversation."""
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    if not isinstance(value, str):
        raise TypeError(f"no text, but {value!r:.60}")
    return [value]
