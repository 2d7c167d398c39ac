"""Turn rows into token ids with loss on the answer only. Rows that are too long lose noise documents."""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from transformers import PreTrainedTokenizerBase

from rag_instruct.citations import renumbered
from rag_instruct.errors import UserError
from rag_instruct.files import is_validation
from rag_instruct.logs import logger, progress
from rag_instruct.models.chat import control_tokens, prepared, written
from rag_instruct.models.templates import style_of
from rag_instruct.records import located_records

FIELDS = ("id", "question", "answer", "documents", "passages", "withheld_answer", "cited")
IGNORED = -100  # torch's label for a token without loss
Row = Mapping[str, Any]


class Example(NamedTuple):
    """One training example."""

    id: str
    input_ids: list[int]
    labels: list[int]  # IGNORED for the prompt's tokens, the token's id for the answer's tokens
    documents_dropped: int


def digest_of(examples: Iterable[Example]) -> str:
    """Return a digest of the examples' ids, tokens and labels, in their order."""
    made = hashlib.sha256()
    for example in examples:
        made.update(f"{example.id}\n{len(example.labels)}\n".encode())
        made.update(array("q", [*example.input_ids, *example.labels]).tobytes())
    return made.hexdigest()


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a .jsonl, .json or .parquet file of this project, or of RAG-Instruct's released data set.

    A row without an id gets its number in the file. Raises UserError with file and place if a question or answer is
    missing or empty, if documents are not texts, if passages have no role or rank, or if documents and passages differ
    in number.
    """
    for number, (place, row) in enumerate(located_records(path, FIELDS), start=1):
        if not isinstance(row, dict):
            raise UserError(f"{path}, {place}: the row is not an object with question, answer and documents")
        for name in ("question", "answer"):
            if not (isinstance(row.get(name), str) and row[name].strip()):
                raise UserError(f"{path}, {place}: {name!r} must be a text, but is {row.get(name)!r}: correct the row")
        documents = row.get("documents")
        if not (isinstance(documents, list) and all(isinstance(text, str) for text in documents)):
            raise UserError(
                f"{path}, {place}: 'documents' must be a list of texts, but is {str(documents)[:80]!r}: correct the row"
            )
        row = {name: value for name, value in row.items() if value is not None}  # null is the same as absent
        passages = row.get("passages", [])
        if not (isinstance(passages, list) and all(map(_has_role_and_rank, passages))):
            raise UserError(
                f"{path}, {place}: 'passages' must be a list of objects with 'role' and 'rank', but is "
                f"{str(passages)[:80]!r}: correct the row, or remove 'passages' from it"
            )
        if "passages" in row and len(row["passages"]) != len(documents):
            raise UserError(
                f"{path}, {place}: the row has {len(documents)} documents, but {len(row['passages'])} passages: "
                "make the file again, or remove 'passages' from the row"
            )
        yield {"id": str(number), **row}


def _has_role_and_rank(passage: Any) -> bool:
    return isinstance(passage, dict) and "role" in passage and isinstance(passage.get("rank"), int | float)


class Renderer:
    """Turns rows into examples of at most `max_length` tokens. `seed` and the row's id determine the prompt style."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, max_length: int, seed: str) -> None:
        self.tokenizer = prepared(tokenizer)
        self.max_length = max_length
        self.seed = seed
        self._control = control_tokens(self.tokenizer)

    def has_control_token(self, row: Row) -> bool:
        """Return whether a text of the row contains a control token of the model, such as the end of a turn."""
        return any(self._control.search(text) for text in (row["question"], row["answer"], *row["documents"]))

    def example(self, row: Row) -> Example | None:
        """Return the row's example with as many documents as fit, or None if the source documents do not fit.

        We drop only noise documents, in the order of `shortened`, and never cut source documents or the answer. If a
        row has no `passages`, nothing marks noise documents, so all documents must fit.
        """
        for dropped, documents in enumerate(shortened(row)):
            prompt, answer = self._tokens(row, documents)
            if len(prompt) + len(answer) <= self.max_length:
                return Example(row["id"], prompt + answer, [IGNORED] * len(prompt) + answer, dropped)
        return None

    def length(self, row: Row, documents: list[str]) -> int:
        """Return the number of tokens that the row would have with these documents."""
        prompt, answer = self._tokens(row, documents)
        return len(prompt) + len(answer)

    def _tokens(self, row: Row, documents: list[str]) -> tuple[list[int], list[int]]:
        """Return the token ids of the prompt, and of the answer with its end token.

        We tokenize prompt and answer separately, as at inference, so that no token has parts of both.
        """
        style = style_of(row["id"], self.seed, numbered=bool(row.get("cited")))
        user = {"role": "user", "content": style.render(row["question"], documents)}
        prompt = written(self.tokenizer, [user])
        text = answer_to(row, documents)
        whole = written(self.tokenizer, [user, {"role": "assistant", "content": text}])
        if not whole.startswith(prompt):
            raise UserError(
                f"the chat template of {self.tokenizer.name_or_path} writes a prompt differently if an answer follows: "
                "set another chat_template in tokenizer_config.json"
            )
        if row["question"].strip() not in prompt or text.strip() not in whole[len(prompt) :]:
            raise UserError(
                f"the chat template of {self.tokenizer.name_or_path} changes question or answer of row {row['id']}: "
                "set another chat_template in tokenizer_config.json"
            )
        encode = self.tokenizer
        answer = encode(whole[len(prompt) :].rstrip("\n"), add_special_tokens=False)["input_ids"]
        if self.tokenizer.eos_token_id not in answer and not _ends_a_turn(self.tokenizer, answer):
            answer = [*answer, self.tokenizer.eos_token_id]
        return encode(prompt, add_special_tokens=False)["input_ids"], answer


def answer_to(row: Row, documents: list[str]) -> str:
    """Return the row's answer. Its citations are renumbered to the positions in `documents`.

    `documents` may lack some of the row's documents.
    """
    answer: str = row["answer"]
    if not row.get("cited"):
        return answer
    numbered = enumerate(row["documents"], start=1)  # if a text occurs twice, both numbers get its first position
    return renumbered(answer, {number: documents.index(text) + 1 for number, text in numbered if text in documents})


def _ends_a_turn(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> bool:
    return bool(ids) and ids[-1] in tokenizer.all_special_ids


def shortened(row: Row) -> Iterator[list[str]]:
    """Yield the row's documents, then the documents without one noise document, without two, and so on.

    The noise document with the last rank is dropped first. In a row with `withheld_answer`, the answer says that the
    documents do not have what is asked, so at least one document stays.
    """
    passages = row.get("passages", [])
    noise = [place for place, passage in enumerate(passages) if passage["role"] == "noise"]
    order = sorted(noise, key=lambda place: (-passages[place]["rank"], place))
    least = 1 if row.get("withheld_answer") and len(order) == len(passages) else 0
    for dropped in range(len(order) + 1 - least):
        gone = set(order[:dropped])
        yield [text for place, text in enumerate(row["documents"]) if place not in gone]


class Examples(NamedTuple):
    """The examples for training and validation, and counts.

    In `counts`, train, validation, too_long and control_tokens add up to rows.
    """

    train: list[Example]
    validation: list[Example]
    counts: dict[str, Any]


@dataclass
class _Outcomes:
    """All rows, each in one of four lists."""

    train: list[Example] = field(default_factory=list)
    validation: list[Example] = field(default_factory=list)
    too_long: list[str] = field(default_factory=list)  # ids
    control_tokens: list[str] = field(default_factory=list)  # ids

    @property
    def rows(self) -> int:
        return len(self.train) + len(self.validation) + len(self.too_long) + len(self.control_tokens)


def examples(rows: Iterable[Row], renderer: Renderer, validation: float, seed: str | None = None) -> Examples:
    """Turn all rows into examples. `validation` is the share of rows that are held out.

    `seed` draws the held-out rows; the default is the renderer's seed. With the data set's own `validation` and `seed`,
    the held-out rows are its validation split. Raises UserError if no rows remain for training or validation.
    """
    found = _outcomes(rows, renderer, validation, seed or renderer.seed)
    if not found.train or (validation and not found.validation):
        raise UserError(
            f"too few rows: of {found.rows} rows, {len(found.train)} are for training and "
            f"{len(found.validation)} for validation; {len(found.too_long)} are too long, "
            f"{len(found.control_tokens)} contain control tokens: give more rows, increase max_length in the recipe, "
            "or increase `validation` in config.yaml or the recipe"
        )
    if found.too_long:
        logger.warning(
            "%d rows are left out: they exceed %d tokens even without noise documents",
            len(found.too_long),
            renderer.max_length,
        )
    if found.control_tokens:
        logger.warning("%d rows are left out: they contain control tokens of the model", len(found.control_tokens))
    return Examples(found.train, found.validation, _counts(found))


def _outcomes(rows: Iterable[Row], renderer: Renderer, validation: float, seed: str) -> _Outcomes:
    found = _Outcomes()
    for row in progress(rows, "fitting rows"):
        if renderer.has_control_token(row):
            found.control_tokens.append(row["id"])
        elif (made := renderer.example(row)) is None:
            found.too_long.append(row["id"])
        else:
            (found.validation if is_validation(row["id"], validation, seed) else found.train).append(made)
    return found


def _counts(found: _Outcomes) -> dict[str, Any]:
    fitted = [*found.train, *found.validation]
    return {
        "rows": found.rows,
        "train": len(found.train),
        "validation": len(found.validation),
        "too_long": len(found.too_long),
        "too_long_ids": found.too_long,
        "control_tokens": len(found.control_tokens),
        "control_tokens_ids": found.control_tokens,
        "rows_shortened": sum(bool(example.documents_dropped) for example in fitted),
        "noise_documents_dropped": sum(example.documents_dropped for example in fitted),
        "tokens": sum(len(example.input_ids) for example in found.train),
        "answer_tokens": sum(label != IGNORED for example in found.train for label in example.labels),
    }
