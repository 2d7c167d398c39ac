"""Turn bits of tokens into the gains of documents.

The answer's bits without the documents, minus its bits with them, are the pointwise mutual information of documents and
answer under a model, given the question. Ethayarajh et al. 2022 (arXiv 2110.08420) call it pointwise V-information. Xu
et al. 2020 (arXiv 2002.10689) introduce V-information, which depends on what a model can use. Here "without" means with
random documents of the same number, so that a prompt's length and form are no gain.

A gain has this number per token (`answer`) and as a share of the bits without the documents (`share`). `clear` is a
stricter variant of `answer`. `question` is not about the answer: it says how much cheaper the documents make the
question. The bits lost without one of the documents are the leave-one-out attribution of question and answer to their
context (Cohen-Wang et al. 2024, arXiv 2409.00729).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rag_instruct.schema import Gain


class Bits(NamedTuple):
    """The bits of each token of a question and of its answer: -log2 of the token's probability.

    The chat template's tokens between the two count with the question.
    """

    question: np.ndarray
    answer: np.ndarray


def gain(own: Bits, draws: Sequence[Bits], nothing: Bits) -> Gain:
    """Return what documents give, against the mean of several draws of random documents.

    `clear` compares each token's bits with the cheapest alternative: any one of the random draws, or no documents. A
    token that is cheaper there counts as 0.
    """
    random = np.mean([one.answer for one in draws], axis=0)
    cheapest = np.min([nothing.answer, *(one.answer for one in draws)], axis=0)
    question = np.mean([one.question for one in draws], axis=0)
    return Gain(
        answer=rounded((random - own.answer).mean()),
        share=rounded(1 - own.answer.sum() / max(random.sum(), 1e-9)),
        clear=rounded(np.maximum(cheapest - own.answer, 0).mean()),
        question=rounded((question - own.question).mean()),
    )


def lost(own: Bits, without: Bits) -> float:
    """Return the bits that question and answer lose without a document: the extra bits of their tokens.

    A token's first extra bit is ignored, so the many small changes of a long answer do not add up. Tokens that get
    cheaper offset nothing.
    """
    losses = (without.question - own.question, without.answer - own.answer)
    return rounded(sum(np.maximum(loss - 1, 0).sum() for loss in losses), 1)


def rounded(bits: float, digits: int = 2) -> float:
    """Return the bits, rounded so that results rarely differ between processors. Zero has no sign."""
    return round(float(bits), digits) + 0.0
