"""Turn bits of tokens into the gains of documents.

The gain of documents is the pointwise mutual information of the documents and the answer under a model: the answer's
bits without the documents minus its bits with them (Ethayarajh et al. 2022, arXiv 2110.08420, call it pointwise
V-information; Xu et al. 2020, arXiv 2002.10689, introduce V-information, which depends on what a model can use). Here
"without" means random documents of the same number, so that a prompt's length and form are no gain. The bits lost
without one of the documents are the leave-one-out attribution of an answer to its context (Cohen-Wang et al. 2024,
arXiv 2409.00729).
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
    """Return what documents give, against several draws of random documents, and against no documents.

    The other cases are each draw of random documents, and the prompt without documents. `clear` compares each token
    with the other case where it costs least. A token that costs less there than with its own documents counts as 0.
    """
    random = np.mean([one.answer for one in draws], axis=0)
    cheapest_other = np.min([nothing.answer, *(one.answer for one in draws)], axis=0)
    question = np.mean([one.question for one in draws], axis=0)
    return Gain(
        answer=rounded((random - own.answer).mean()),
        share=rounded(1 - own.answer.sum() / max(random.sum(), 1e-9)),
        clear=rounded(np.maximum(cheapest_other - own.answer, 0).mean()),
        question=rounded((question - own.question).mean()),
    )


def lost(own: Bits, without: Bits) -> float:
    """Return how many more bits question and answer cost without a document.

    Of each token's extra bits, only those above one count. So the many small changes of a long answer do not add up.
    """
    losses = (without.question - own.question, without.answer - own.answer)
    return rounded(sum(np.maximum(loss - 1, 0).sum() for loss in losses), 1)


def rounded(bits: float, digits: int = 2) -> float:
    """Round to digits that hardly differ between processors. Zero has no sign."""
    return round(float(bits), digits) + 0.0
