"""Checks that an answer cites each document that it used, and no other.

Where documents state the answer, each long sentence needs a citation.
"""

import re
from collections.abc import Collection

from rag_instruct.citations import CODE, cited
from rag_instruct.paradigms import WITH_ANSWER
from rag_instruct.reasons import Fault, Reason
from rag_instruct.scoring.assertions import sentences
from rag_instruct.synthesis.grounding import PROSE

AFTER = re.compile(r"([.!?])((?:\s*\[\d{1,2}\])+)")  # citations after the end of their sentence
CONCLUSION = re.compile(r"^(so|thus|hence|therefore|in short|the answer)\b", re.I)
SHORT = 4  # words of a sentence that needs no citation, such as "Yes." or "Compare the years."


def citation_fault(paradigm: str, answer: str, used: Collection[int]) -> Fault | None:
    """Return what is wrong with the citations of an answer from the documents of the numbers `used`, or None."""
    numbers = set(cited(answer))
    if stray := numbers - set(used):
        return Fault(Reason.BAD_CITATIONS, f"[{min(stray)}] is no document that was used")
    if paradigm not in WITH_ANSWER:
        return None if numbers else Fault(Reason.BAD_CITATIONS, "nothing is cited")
    if lacking := set(used) - numbers:
        return Fault(Reason.BAD_CITATIONS, f"document {min(lacking)} is not cited")
    text = AFTER.sub(r" \2\1", CODE.sub(" ", answer))  # "It rises.[1]" becomes "It rises [1]."
    for sentence in (one for line in PROSE.findall(text) for one in sentences(line)):
        needs_citation = len(sentence.split()) > SHORT and not CONCLUSION.match(sentence)
        if needs_citation and not cited(sentence):
            return Fault(Reason.BAD_CITATIONS, f"no citation: {sentence}")
    return None
