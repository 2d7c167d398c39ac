"""Turn bits of tokens into the gains of documents.

The gain of documents is the pointwise mutual information of the documents and the answer under a model: the answer's
bits without the documents, less its bits with them (Ethayarajh et al. 2022, arXiv 2110.08420, call it pointwise
V-information; Xu et al. 2020, arXiv 2002.10689, introduce V-information, which depends on what a model can use). Here
"without" means random documents of the same number, so that a prompt's length and form are no gain. The bits lost
without one of the documents are the leave-one-out attribution of an answer to its context (Cohen-Wang et al. 2024,
arXiv 2409.00729).
"""

from collections.abc import Sequence

import numpy as np

from rag_instruct.evidence.measuring import Bits
from rag_instruct.schema import Gain


def gain(own: Bits, others: Sequence[Bits]) -> Gain:
    """Return what documents give, against several draws of other documents."""
    answer, question = _mean(others, "answer"), _mean(others, "question")
    return Gain(
        answer=rounded((answer - own.answer).mean()),
        share=rounded(1 - own.answer.sum() / max(answer.sum(), 1e-9)),
        question=rounded((question - own.question).mean()),
    )


def lost(own: Bits, without: Bits) -> float:
    """Return the bits that the whole answer loses without a document."""
    return rounded((without.answer - own.answer).sum(), 1)


def rounded(bits: float, digits: int = 2) -> float:
    """Round to digits that hardly differ between processors. Zero has no sign."""
    return round(float(bits), digits) + 0.0


def _mean(measured: Sequence[Bits], part: str) -> np.ndarray:
    return np.mean([getattr(bits, part) for bits in measured], axis=0)
