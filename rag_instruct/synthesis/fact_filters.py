"""Filters for pairs that were written from single sentences (facts): does the pair fit its fact?"""

import re

from rag_instruct.reasons import Reason
from rag_instruct.words import content, marks, options_of, sentences, share, stem, stem_of, substance

VERDICT = re.compile(r"(yes|no|true|false)\b", re.I)


def lacks_fact(question: str, answer: str, must_say: tuple[tuple[str, ...], ...]) -> bool:
    """Say whether the answer does not state what the fact states.

    `must_say` has one group for each fact: names and numbers, first the target of the fact. From each group, the answer
    must have a name or number that the question does not have. Two forms have other rules, about the first target:

    - a claim: the answer has the target and no "not". It starts with "Yes" if, and only if, the question has
      the target.
    - a choice: the answer has the target. The question without its options does not have the target.

    Without `must_say`, there is no fact that the answer could lack.
    """
    if not must_say:
        return False
    asked, target = stem_of(question), must_say[0][0]
    if VERDICT.match(answer):
        return target not in answer or " not " in answer or (target in asked) != answer.startswith("Yes")
    if options_of(question):
        return target not in answer or target in asked
    return not all(any(words in answer and words not in asked for words in group) for group in must_say)


NUMBER, NAME, CAUSE = r"\d", r"\b[A-Z]", r"\b(because|by|through|since|so that|due|when|caus\w+|makes?|made|allow\w*)\b"
ASKED = {
    r"\bwhen\b|\b(what|which) (year|century|date|day|month)\b": NUMBER,
    r"\bhow (many|much|long|far|high|old|tall|deep|large|wide)\b": NUMBER,
    r"\bwho(se|m)?\b|\bwhere\b|\b(what|which) (city|country|river|person|place|continent|sea|ocean)\b": NAME,
    r"\bwhy\b|\bhow (do|does|did|is|are|was|were|has|have|can)\b|\bexplain how [a-z]*(?!many|much|long|far)": CAUSE,
}


def asks_otherwise(question: str, answer: str) -> bool:
    """Say whether the question asks for a number, a name or a cause, and the answer gives none.

    A number or a name that the question already has does not count.
    """
    if VERDICT.match(answer):
        return False
    said = substance(answer)
    added = " ".join(word for word in said.split() if stem(word.strip(",.")) not in content(stem_of(question)))
    asked = next((form for words, form in ASKED.items() if re.search(words, question, re.I)), "")
    return not re.search(asked, said if asked == CAUSE else added)


def defines_otherwise(question: str, answer: str, is_choice: bool) -> bool:
    """Say whether the question asks who or what a name is, but the answer does not start "<name> is a".

    If the question has options, the result does not depend on the answer, because an option does not define a name.
    """
    asked = re.search(r"\b(who|what) (is|was|are|were) (?:the |an? )?([\w' -]+)[?.]$", stem_of(question), re.I)
    asked = asked or re.search(r"\b(who|what) (?:the |an? )?([A-Z][\w' -]+?) (is|was|are|were)\.$", stem_of(question))
    subject = max(asked.groups(), key=len) if asked else ""
    return subject[:1].isupper() and (
        is_choice or not re.match(rf"(The |An? )?{subject} (is|was|are|were) (an?|the|one)\b", answer)
    )


GENERIC_WORDS = (
    "year century city country person people river place called known located name many long kilometres metres"
)
GENERIC = frozenset(stem(word) for word in GENERIC_WORDS.split())


def adds_facts(question: str, fact: str) -> bool:
    """Say whether the question has a name or number that the fact lacks, or too many other words.

    Of the question's words, without GENERIC_WORDS, the fact must have at least 80 %.
    """
    asked = stem_of(question)
    return not marks(asked) <= content(fact) | marks(fact) or share(content(asked) - GENERIC, content(fact)) < 0.8


def question_fault(question: str, fact: str) -> Reason | None:
    """Return why the fact does not answer its question, or None."""
    if adds_facts(question, fact):
        return Reason.QUESTION_ADDS_FACTS
    if asks_otherwise(question, fact):
        return Reason.WRONG_ANSWER_TYPE
    return Reason.NOT_A_DEFINITION if defines_otherwise(question, fact, is_choice=False) else None


def fact_fault(question: str, answer: str, facts: list[str]) -> Reason | None:
    """Return why a question or an answer does not fit its facts, or None.

    For several facts, question and answer have one sentence for each fact, in the same order.
    """
    questions = sentences(stem_of(question)) if len(facts) > 1 else [stem_of(question)]
    answers = sentences(answer) if len(facts) > 1 else [answer]
    if not len(questions) == len(answers) == len(facts):
        return Reason.MALFORMED
    is_choice = bool(options_of(question))
    for asked, given, fact in zip(questions, answers, facts, strict=True):
        # Claims skip this check, because a false claim has a wrong name or number on purpose.
        if not VERDICT.match(given) and (reason := question_fault(asked, fact)):
            return reason
        if share(content(substance(given)), content(fact)) < 0.9:
            return Reason.ANSWER_ADDS_FACTS
        if asks_otherwise(asked, given):
            return Reason.WRONG_ANSWER_TYPE
        if defines_otherwise(asked, given, is_choice):
            return Reason.NOT_A_DEFINITION
    return None
