"""Tell from a row's bits which paradigm it has, and whether this is the intended one."""

from typing import NamedTuple

from rag_instruct.evidence.gains import rounded
from rag_instruct.schema import Gain, Weighed


class Thresholds(NamedTuple):
    """Lower limits, calibrated on labelled pairs (docs/evidence.md). A value at the limit counts.

    From `helps` on, documents help. From `states` on, they state the answer. From `needed` on, a document is needed.
    """

    helps: float = 0.35  # `clear` of the gain plus `question_weight` times `question` of the gain
    question_weight: float = 0.4
    states: float = 0.16  # `share` of the gain
    # How many more bits question and answer cost when a document is left out, with the superfluous ones found before.
    needed: float = 8.0

    def help_of(self, found: Gain) -> float:
        """Return the bits per token that are compared with `helps`: a row's `help`, with two digits."""
        return rounded(found.clear + self.question_weight * found.question)


def paradigm_found(gained: Gain, needed: int, thresholds: Thresholds) -> str:
    """Return the paradigm that the bits show, from the gain of all source documents and the number of needed ones.

    Several needed documents help, whatever the gain: each was left out while others stayed, so the prompt's
    form is no reason.
    """
    if needed < 2 and thresholds.help_of(gained) < thresholds.helps:
        return "useless_doc"
    how_many = "multi" if needed > 1 else "single"
    return f"{how_many}_doc_{'answer' if gained.share >= thresholds.states else 'support'}"


def as_intended(intended: str, found: str) -> bool:
    """Return whether the bits show the intended paradigm.

    For rows with several needed documents, "the documents state the answer" and "they support it" look alike in bits.
    So one counts as the other.
    """
    return found == intended or (found.startswith("multi") and intended.startswith("multi"))


def fits_paradigm(one: Weighed) -> bool:
    """Return whether the bits show the row's paradigm, and no noise document states its answer."""
    return as_intended(one.intended, one.found) and not one.answering
