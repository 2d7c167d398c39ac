"""Tell from a row's bits which paradigm it has, and whether this is the intended one."""

from typing import NamedTuple

from rag_instruct.evidence.gains import rounded
from rag_instruct.schema import Gain, Weighed


class Thresholds(NamedTuple):
    """Lower limits, calibrated on labelled pairs (docs/evidence.md).

    Documents state the answer if their `share` is at least `states`. They help if two things hold: their help is at
    least `helps`; and they state the answer, or there are at least `lost` lost bits without all of them (`gains.lost`).
    Two or more needed documents help in any case. A document is needed if it has at least `needed` lost bits.
    """

    helps: float = 0.35  # bits per token, see `help_of`
    question_weight: float = 0.4
    lost: float = 20.0  # lost bits (see gains.lost) without any document
    states: float = 0.21  # a share of the answer's bits
    # Lost bits if we leave out this document, and all documents that we already found superfluous.
    needed: float = 5.0

    def help_of(self, gained: Gain) -> float:
        """Return the help of documents, from their gain: bits per token, with two decimals."""
        return rounded(gained.clear + self.question_weight * gained.question)


def paradigm_found(gained: Gain, lost: float, needed: int, thresholds: Thresholds) -> str:
    """Return the paradigm that the bits show.

    `gained` and `lost` are the gain of all source documents, and the lost bits without all of them. `needed` is the
    number of needed documents.

    If several documents are needed, they help even if the gain is small. Without one of them, question and answer cost
    more bits, although the prompt still had other documents. So it is the content of the documents that helps, and not
    only that there are documents.
    """
    stated = gained.share >= thresholds.states
    helps = thresholds.help_of(gained) >= thresholds.helps and (lost >= thresholds.lost or stated)
    if needed < 2 and not helps:
        return "useless_doc"
    how_many = "multi" if needed > 1 else "single"
    return f"{how_many}_doc_{'answer' if stated else 'support'}"


def has_intended_paradigm(intended: str, found: str) -> bool:
    """Return whether the bits show the intended paradigm.

    Bits do not separate multi_doc_support from multi_doc_answer well enough, so we accept each as the other.
    """
    return found == intended or (found.startswith("multi") and intended.startswith("multi"))


def as_intended(one: Weighed) -> bool:
    """Return whether the bits show the row's paradigm, and no noise document states its answer."""
    return has_intended_paradigm(one.intended, one.found) and not one.answering
