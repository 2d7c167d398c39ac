"""The rules of the paper's own code, with their faults, written from a description of what they do.

They are here so that numbers can be held against the published ones. docs/scoring.md says where they err; where the
description is silent, it says what was taken.
"""

import re

from rag_instruct.schema import Question

# What counts for a verdict, wherever it stands.
VERDICT_WORDS = {"yes": ("yes", "true"), "true": ("yes", "true"), "no": ("no", "false"), "false": ("no", "false")}


def mentions_answer(question: Question, output: str) -> float:
    """Whether some answer occurs as whole words anywhere in the lower-cased output; accents are not folded."""
    lowered = output.lower()
    return float(any(_whole(answer.lower(), lowered) for answer in question.answers))


def _whole(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def lone_letter(question: Question, output: str) -> str:
    """The first capital that stands alone, an article "A" apart; else the option whose text occurs; else the last."""
    if found := re.search(r"\b(?!A [a-z])[A-Z]\b", output):
        return found[0]
    lowered = output.lower()
    named = [label for label, text in question.choices if text.lower() in lowered]
    return named[0] if named else question.choices[-1][0]


def lone_letter_is_answer(question: Question, output: str) -> float:
    """Whether the first lone letter is the answer: "I think the answer is B" chose I."""
    return float(lone_letter(question, output) in question.answers)


def mentions_verdict(question: Question, output: str) -> float:
    """Whether the verdict, or its synonym, is mentioned at all: "yes no maybe" is always right."""
    lowered = output.lower()
    words = [word for answer in question.answers for word in VERDICT_WORDS.get(answer, (answer,))]
    return float(any(_whole(word, lowered) for word in words))


def mentions_stripped_number(question: Question, output: str) -> float:
    """Whether the answer is mentioned once every 0, point and comma is deleted: 1.05 is 10.5, 0 is anything."""
    answers, stripped = map(_stripped, question.answers), _stripped(output)
    return float(any(not answer or _whole(answer, stripped) for answer in answers))


def _stripped(text: str) -> str:
    return re.sub(r"[0.,]", "", text.lower())


def own_rule(question: Question, output: str) -> float:
    """The paper's rule for the form of a question of one's own."""
    if not question.choices:
        return mentions_answer(question, output)
    closed = all(label == text for label, text in question.choices)
    return (mentions_verdict if closed else lone_letter_is_answer)(question, output)
