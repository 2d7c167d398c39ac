"""Turn bits of tokens into the gains of documents.

The saved bits are the answer's bits without the documents, minus its bits with the documents. Here, "without" means
"with the same number of random documents", so a prompt's length and form are no gain. The saved bits are the pointwise
mutual information of documents and answer under a model, given the question. Ethayarajh et al. 2022 (arXiv 2110.08420)
call this pointwise V-information. Xu et al. 2020 (arXiv 2002.10689) introduce V-information, which depends on what a
model can use.

A gain has the saved bits per token (`answer`), and as a share of the answer's bits without the documents (`share`).
`clear` is a stricter variant of `answer`. `question` has the saved bits per token of the question. The lost bits of a
document (see `lost`) are its leave-one-out attribution (Cohen-Wang et al. 2024, arXiv 2409.00729).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rag_instruct.schema import Gain


class Bits(NamedTuple):
    """The bits of each token of a question and of its answer: -log2 of the token's probability.

    The chat template's tokens between question and answer count with the question.
    """

    question: np.ndarray
    answer: np.ndarray


def gain(own: Bits, draws: Sequence[Bits], nothing: Bits) -> Gain:
    """Return the gain of documents: how many bits they save, compared with the mean of several random draws.

    `own` has the bits with the documents, `draws` the bits with random documents, `nothing` the bits without documents.

    `clear` compares each token's bits with the cheapest of several alternatives: each of the draws, and no documents. A
    token with a cheaper alternative counts as 0.
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
    """Return the lost bits: the extra bits that question and answer cost if documents are left out.

    We ignore each token's first extra bit, so the many small changes of a long answer do not add up. Tokens that get
    cheaper do not offset others.
    """
    extra = (without.question - own.question, without.answer - own.answer)
    return rounded(sum(np.maximum(bits - 1, 0).sum() for bits in extra), 1)


def rounded(bits: float, digits: int = 2) -> float:
    """Return the bits, rounded so that results rarely differ between processors. Zero has no sign."""
    return round(float(bits), digits) + 0.0
