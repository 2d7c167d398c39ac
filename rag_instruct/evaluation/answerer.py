"""Answer single questions with a model, with documents or without."""

from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedTokenizerBase, TextStreamer

from rag_instruct.errors import UserError
from rag_instruct.evaluation.generation import Generation
from rag_instruct.evaluation.questioning import Task
from rag_instruct.logs import logger
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.engines import generating, longest_of, tokenizer_of
from rag_instruct.words import content, share

CITED_FROM = 0.6  # a cited document contains at least this share of the words that the answer adds


class Answerer:
    """Answers greedily, as the evaluation does, with a model folder, a hub id or a package's GGUF file."""

    def __init__(self, model: str) -> None:
        self._model, self._longest, self.tokenizer = model, longest_of(model, None), tokenizer_of(model, None)
        self._student, self._ends = generating(model, self.tokenizer, None)

    def prompt(self, question: str, documents: Sequence[str], tokens: int) -> list[int]:
        """Return the token ids of the prompt that the evaluation would use.

        Keeps as many of the first documents as leave `tokens` for the answer. Raises UserError if the question alone
        leaves fewer.
        """
        generation = Generation(self._model, self.tokenizer, self._longest, Decoding(tokens), seed=0)
        fitted = generation.fitted(Task("", question, tuple(documents)))
        if not fitted.ids:
            raise UserError(
                f"the question is too long: the model takes {self._longest} tokens, and {tokens} of them are kept for "
                "the answer: shorten the question, or lower --tokens"
            )
        if fitted.documents < len(documents):
            logger.warning("only %d of %d documents fit into the prompt", fitted.documents, len(documents))
        return fitted.ids

    @torch.inference_mode()
    def answer(
        self, question: str, documents: Sequence[str], tokens: int, show: Callable[[str], None] | None = None
    ) -> str:
        """Return the answer of at most `tokens` tokens. `show` is called with each piece as soon as it is generated."""
        prompt = torch.tensor([self.prompt(question, documents, tokens)], device=self._student.device)
        streamer = _Shown(self.tokenizer, show) if show else None
        written = self._student.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=tokens,
            do_sample=False,
            eos_token_id=self._ends,
            pad_token_id=self.tokenizer.pad_token_id,
            streamer=streamer,
        )
        text = self.tokenizer.decode(written[0, prompt.shape[1] :], skip_special_tokens=True)
        return str(text).strip()


class _Shown(TextStreamer):
    """Calls `show` with each piece of an answer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, show: Callable[[str], None]) -> None:
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self._show = show

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        self._show(text)


def cited(question: str, answer: str, documents: Sequence[str]) -> list[int]:
    """Return the indices of the documents that contain the answer's words best, ties included.

    Only words that the question lacks count. A document with less than the share CITED_FROM of them is left out.
    """
    words = content(answer)
    added = words - content(question) or words  # an answer of the question's words alone counts as a whole
    shares = [share(added, content(document)) for document in documents]
    best = max(shares, default=0.0)
    return [place for place, part in enumerate(shares) if added and part >= CITED_FROM and part == best]
