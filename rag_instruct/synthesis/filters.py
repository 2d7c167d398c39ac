"""Chooses the filters of a pair: small checks without a model, as strict as the teacher needs them."""

from rag_instruct.reasons import Fault, Reason
from rag_instruct.synthesis.document_filters import document_fault
from rag_instruct.synthesis.focus import Focus
from rag_instruct.synthesis.sentence_filters import sentence_fault


def pair_fault(paradigm: str, question: str, answer: str, exemplar: str, focus: Focus) -> Fault | None:
    """Return the first reason to reject a pair, or None.

    The parser made question and answer of a pair from single sentences, so its filters check only copied exemplars,
    options, and which documents have the answer. A pair from whole documents, by a capable teacher, is refused only for
    what a careful reader would refuse at sight.
    """
    if not question.strip() or not answer.strip():
        return Fault(Reason.EMPTY)
    first_fault = sentence_fault if focus.from_sentences else document_fault
    return first_fault(paradigm, question, answer, exemplar, focus)
