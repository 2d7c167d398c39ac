"""Score by the rules of the paper's code, faults included. We wrote them from a description of that code.

These rules make our numbers comparable with the published ones. docs/scoring.md lists their faults, and our choices
where the description says nothing.
"""

import re

from rag_instruct.schema import Question

# Words that count as the verdict, anywhere in an output.
VERDICT_WORDS = {"yes": ("yes", "true"), "true": ("yes", "true"), "no": ("no", "false"), "false": ("no", "false")}


def mentions_answer(question: Question, output: str) -> float:
    """Return 1 if an answer occurs as whole words anywhere in the output, else 0. Case is ignored, accents count."""
    lowered = output.lower()
    return float(any(_whole(answer.lower(), lowered) for answer in question.answers))


def _whole(words: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text) is not None


def lone_letter(question: Question, output: str) -> str:
    """Return the first single capital letter that is not the article "A".

    Without such a letter, return the label of the first option whose text occurs, or else of the last option.
    """
    if found := re.search(r"\b(?!A [a-z])[A-Z]\b", output):
        return found[0]
    lowered = output.lower()
    named = [label for label, text in question.choices if text.lower() in lowered]
    return named[0] if named else question.choices[-1][0]


def lone_letter_is_answer(question: Question, output: str) -> float:
    """Return 1 if `lone_letter` is the answer, else 0. "I think the answer is B" chooses I."""
    return float(lone_letter(question, output) in question.answers)


def mentions_verdict(question: Question, output: str) -> float:
    """Return 1 if the output mentions the verdict or its synonym, else 0. "yes no maybe" is always right."""
    lowered = output.lower()
    words = [word for answer in map(str.lower, question.answers) for word in VERDICT_WORDS.get(answer, (answer,))]
    return float(any(_whole(word, lowered) for word in words))


def mentions_stripped_number(question: Question, output: str) -> float:
    """Return 1 if the output mentions an answer, else 0. All 0, points and commas are deleted: 1.05 equals 10.5."""
    answers, stripped = map(_stripped, question.answers), _stripped(output)
    return float(any(not answer or _whole(answer, stripped) for answer in answers))


def _stripped(text: str) -> str:
    return re.sub(r"[0.,]", "", text.lower())


def own_rule(question: Question, output: str) -> float:
    """Return the score of a user's own question by the paper's rule for its form."""
    if not question.choices:
        return mentions_answer(question, output)
    return (mentions_verdict if question.is_closed else lone_letter_is_answer)(question, output)
