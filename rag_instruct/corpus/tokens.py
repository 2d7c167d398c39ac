"""Measure texts in tokens of an encoder."""

from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

from rag_instruct.corpus.splitter import Sized, word_spans
from rag_instruct.errors import UserError
from rag_instruct.models.source import model_source

if TYPE_CHECKING:
    from tokenizers import Tokenizer


class InTokens:
    """Measures each word of a text by the number of its tokens. `model` is a folder or hub id, as for encoders."""

    def __init__(self, model: str, revision: str | None = None) -> None:
        self._tokenizer = _tokenizer(model, revision)
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def __call__(self, text: str) -> list[Sized]:
        """Return the places of the words, each with the number of its tokens."""
        # The last letter of a token says to which word it belongs. Many tokens begin with the blank before their word,
        # and others, such as ".\n", end with the blanks after it.
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        pieces = ((start, text[start:end].rstrip()) for start, end in offsets)
        ends = [start + len(piece) for start, piece in pieces if piece]
        return [(begin, end, bisect_right(ends, end) - bisect_right(ends, begin)) for begin, end in word_spans(text)]


def _tokenizer(model: str, revision: str | None) -> "Tokenizer":
    from tokenizers import Tokenizer

    source = model_source(model)
    try:
        if Path(source).is_dir():
            return Tokenizer.from_file(str(Path(source, "tokenizer.json")))
        return Tokenizer.from_pretrained(source, revision=revision or "main")
    except Exception as error:  # the library's only kind of error
        raise UserError(
            f"tokens_of: the tokenizer of {model!r} cannot be loaded ({str(error).splitlines()[0]}): check the "
            "encoder's `model` in config.yaml, or give a folder with a tokenizer.json"
        ) from error
