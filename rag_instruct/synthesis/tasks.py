"""The questions of each paradigm, made from facts. Answers that no document states are computed from dates and numbers.

Documents of single_doc_support and multi_doc_support have a date or a number from which the answer is inferred: a
century, an age, more or less than a round number, an order in time. Those of multi_doc_answer state two facts, of which
one leads to the other, or which are compared.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag_instruct.files import digest
from rag_instruct.synthesis.clauses import capitalised
from rag_instruct.synthesis.facts import UNIT_NAMES, Fact
from rag_instruct.synthesis.subjects import possessive
from rag_instruct.words import fold

COMPARATIVES = {
    size: f"{size}{'r' if size.endswith('e') else 'er'}" for size in ("long", "tall", "high", "deep", "wide", "old")
}
COUNT = re.compile(
    r"How (?:many|long|tall|high|deep|wide|old)(?: .*?)? ((?:do|does|did|has|have|is|was|are|were) .+)\?$"
)
AMOUNT = r"(?:(?:about|around|some|approximately) )?[\d.,]+(?: (?:hundred|thousand|million|billion)\b)? ?"
ORDER = re.compile(r"\b(before|after|again|first|last)\b")
LEAST = 8  # smallest number that a question compares with a round number
NEAR = 120  # years between two events that a question puts in order
CLEAR = 1.15  # ratio from which on one number is surely larger than another
ABOUT = re.compile(
    r"\b(?:over|more than|at least|up to|less than|fewer than|under|nearly|almost|or (?:more|so|fewer|less))\b|\+"
)
# What may happen to somebody after death: no age follows from its year
POSTHUMOUS = ("bury", "canonize", "canonise", "beatify", "portray", "induct", "commemorate", "remember")
DECADES_FROM = 1910  # questions about earlier years ask for the century; "the 1900s" may also mean a century
ROUND_BEFORE, ROUND_SINCE, RECENT = 50, 10, 1900  # round years are 1850 and 1900 before RECENT, and 1910 and 1920 since


@dataclass(frozen=True)
class Task:
    """A question and its answer, without the form that an exemplar gives to them."""

    question: str
    indirect: str  # "when Ann Lee was born"
    answer: str
    facts: tuple[Fact, ...]  # from which the answer follows
    asks: str = "derived"
    target: str = ""


def stated(fact: Fact) -> Task:
    """Return the task whose answer a document states."""
    return Task(fact.question, fact.indirect, as_sentence(fact.statement), (fact,), fact.asks, fact.target)


def as_sentence(text: str) -> str:
    """Return a statement as a sentence, with a capital and a full stop."""
    return f"{capitalised(text)}{'' if text.endswith('.') else '.'}"


def _tail(fact: Fact) -> str:
    """Return what the open statement says about the subject: "was born"; "" if the subject is not at its front."""
    front = f"{fact.subject} "
    return fact.open.removeprefix(front) if fact.open.startswith(front) else ""


def _inverted(fact: Fact) -> str:
    """Return the question after its question word: "was Ann Lee born"; "" for other questions."""
    found = re.match(r"(When|In which year) (.+)\?$", fact.question)
    return found[2] if found else ""


def inferred(facts: Sequence[Fact]) -> Iterator[Task]:
    """Yield the tasks whose answers can be inferred from the facts of a passage."""
    born = {fact.subject: fact for fact in facts if _is_birth(fact) and fact.year}
    died = {fact.subject: fact.year for fact in facts if fact.relation == "die" and fact.year}
    for fact in facts:
        if fact.year and _inverted(fact):
            alive = fact.relation == "die" or fact.year < died.get(fact.subject, fact.year + 1)
            if (birth := born.get(fact.subject)) and fact is not birth and alive and fact.relation not in POSTHUMOUS:
                yield from _age(birth, fact)
            yield _period(fact)
            yield _before_or_after(fact)
        elif fact.number:
            yield from _more_or_less(fact)


def _is_birth(fact: Fact) -> bool:
    """Say whether the subject was born, unlike somebody who bore a child."""
    return fact.relation == "bear" and fact.open.endswith(" born")


def _age(birth: Fact, event: Fact) -> Iterator[Task]:
    age = (event.year or 0) - (birth.year or 0)
    if birth.date and event.date:
        age -= event.date[1:] < birth.date[1:]
        said = f"at the age of {age}"
    else:
        said = f"at the age of about {age}"
    if 0 < age < 110:
        question = f"At what age {_inverted(event)}?"
        yield Task(question, f"at what age {event.open}", as_sentence(f"{event.open} {said}"), (birth, event))


def _period(fact: Fact) -> Task:
    assert fact.year
    if fact.year >= DECADES_FROM:
        period, which = f"{fact.year // 10 * 10}s", "decade"
    else:
        period, which = f"{_ordinal((fact.year - 1) // 100 + 1)} century", "century"
    question = f"In which {which} {_inverted(fact)}?"
    return Task(question, f"in which {which} {fact.open}", as_sentence(f"{fact.open} in the {period}"), (fact,))


def _ordinal(number: int) -> str:
    end = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{end}"


def _before_or_after(fact: Fact) -> Task:
    """Return the task "Was it before 1900?" for a nearby round year. A hash chooses the year, and "before" or "after".

    The year is never the fact's own, so the answer is clear.
    """
    year, chosen = fact.year or 0, int(digest(fact.question), 16)
    step = ROUND_BEFORE if year < RECENT else ROUND_SINCE
    mark = (year - 1) // step * step if chosen & 1 else (year // step + 1) * step
    asked, true = ("before", "after")[chosen >> 1 & 1], "before" if year < mark else "after"
    verdict = "Yes" if asked == true else "No"
    return Task(
        capitalised(f"{_inverted(fact)} {asked} {mark}?"),
        f"whether {fact.open} {asked} {mark}",
        as_sentence(f"{verdict}, {fact.open} {true} {mark}"),
        (fact,),
    )


def _more_or_less(fact: Fact) -> Iterator[Task]:
    """Yield the task "Does it have more than 40 rooms?" for a nearby round number, if the target is a plain number."""
    number, asked = fact.number, COUNT.match(fact.question)
    if not number or number < LEAST or not asked or not fact.target[0].isdigit() or ABOUT.search(fact.target):
        return
    if not re.search(rf"{re.escape(fact.target)}(?: \w+)?$", fact.statement):  # at most a word may follow: "long"
        return
    mark = _round_number(number, up=int(digest(fact.question), 16) % 2 == 1)
    unit = unit_of(fact)
    shown = f"{mark:,}" if mark > 9999 or "," in fact.target else str(mark)
    more = f"more than {shown} {unit}".strip()
    measured = unit.split()[:1] and unit.split()[0] in UNIT_NAMES
    less = more.replace("more", "less" if measured or not unit else "fewer", 1)
    size = f" {fact.relation}" if fact.relation in COMPARATIVES else ""
    verdict, amount = ("Yes", more) if number > mark else ("No", less)
    yield Task(
        capitalised(f"{asked[1]} {more}{size}?"),
        f"whether {fact.statement.replace(fact.target, more, 1)}",
        as_sentence(f"{verdict}, {fact.statement.replace(fact.target, amount, 1)}"),
        (fact,),
    )


def _round_number(number: float, up: bool) -> int:
    """Return the next round number below or above: 40 or 50 for 44. For 40, it is 50."""
    power: int = 10 ** (len(str(int(number))) - 1)
    below = int(number // power) * power
    return below + power if up or below == number else below


def compared(one: Fact, other: Fact) -> Iterator[Task]:
    """Yield what two facts of two articles show together, and neither alone: an order, or a distance in time.

    The answer also states both facts, from which it follows. Callers try both orders of two facts, of which only one
    has a question. A hash chooses the order and the question.
    """
    if not (one.year and other.year and _inverted(one) and _tail(other)) or abs(one.year - other.year) < 2:
        return
    alike, chosen = same_relation(one, other), int(digest(*sorted((one.question, other.question))), 16)
    if not alike and not _have_an_order(one, other):
        return
    if (one.question < other.question) == bool(chosen & 1):
        return
    if alike and chosen & 2:
        earlier, later = sorted((one, other), key=lambda fact: fact.year or 0)
        question = f"How many years before {later.subject} {_inverted(earlier)}?"
        indirect = f"by how many years {earlier.open} before {later.subject}"
        found = f"About {(later.year or 0) - (earlier.year or 0)} years"
        yield Task(question, indirect, f"{found}. {_both(earlier, later)}", (earlier, later))
        return
    what = other.subject if alike else other.open
    question, indirect = capitalised(f"{_inverted(one)} before {what}?"), f"whether {one.open} before {what}"
    yield Task(question, indirect, f"{'Yes' if one.year < other.year else 'No'}. {_both(one, other)}", (one, other))


def _both(one: Fact, other: Fact) -> str:
    return f"{as_sentence(one.statement)} {as_sentence(other.statement)}"


def _have_an_order(one: Fact, other: Fact) -> bool:
    """Say whether somebody may ask which of two unlike events was first: they are near in time, and tell no order."""
    near = abs((one.year or 0) - (other.year or 0)) <= NEAR
    return near and not ORDER.search(f"{one.open} {other.open}")


def combined(one: Fact, other: Fact) -> Iterator[Task]:
    """Yield what two facts of two articles answer together: which was first, which has more, what they share.

    Only one order of the two facts has a question, chosen by a hash.
    """
    if digest(one.question) > digest(other.question):
        return
    both = _both(one, other)
    if one.year and other.year and one.year != other.year and _tail(one) and _tail(other):
        yield from _first(one, other, both)
    elif not same_relation(one, other):
        return
    elif one.number and other.number and not ABOUT.search(f"{one.target} {other.target}"):
        more, less = (one, other) if one.number > other.number else (other, one)
        said = _has_more(one)
        if said and said == _has_more(other) and (more.number or 0) >= CLEAR * (less.number or 0):
            asked = f"{'who' if one.person else 'which'} {said}, {one.subject} or {other.subject}"
            yield Task(capitalised(f"{asked}?"), asked, f"{as_sentence(f'{more.subject} {said}')} {both}", (one, other))
    elif one.asks == other.asks == "who" and one.target == other.target and one.relative and other.relative:
        said = one.indirect.replace(one.subject, f"both {one.subject} and {other.subject}", 1)
        yield Task(capitalised(f"{said}?"), said, both, (one, other), "who", one.target)


def _first(one: Fact, other: Fact, both: str) -> Iterator[Task]:
    """Yield the task "which was first", if the two events can be compared."""
    first = one if (one.year or 0) < (other.year or 0) else other
    if same_relation(one, other):
        who = one.person or other.person or one.relation == "die" or _is_birth(one)
        said = f"{'who' if who else 'which'} {_tail(one)} first, {one.subject} or {other.subject}"
        answer = f"{first.subject} {_tail(first)} first"
    elif _have_an_order(one, other):
        said = f"what happened first: {one.open}, or {other.open}"
        answer = f"first, {first.open}"
    else:
        return
    yield Task(capitalised(f"{said}?"), said, f"{as_sentence(answer)} {both}", (one, other))


def _has_more(fact: Fact) -> str:
    """Return "has more members" for "X has 9 members", "is longer" for "X is 20 km long"."""
    if fact.relation in COMPARATIVES:
        return f"{_tail(fact)} {COMPARATIVES[fact.relation]}"
    unit = unit_of(fact)
    rest = fact.statement.removeprefix(f"{fact.subject} ")
    plain = fact.label == "CARDINAL" and rest.endswith(fact.target)
    return rest.replace(fact.target, f"more {unit}", 1) if plain else ""


def same_relation(one: Fact, other: Fact) -> bool:
    """Say whether two facts say the same of two subjects, with other times, numbers or names."""
    if one.subject == other.subject or one.asks != other.asks:
        return False
    if one.asks == "count":
        return one.relation == other.relation and one.label == other.label and unit_of(one) == unit_of(other)
    if one.asks == "who":
        alike = one.indirect.replace(one.subject, "", 1) == other.indirect.replace(other.subject, "", 1)
        return one.relation == other.relation and alike
    return _tail(one) == _tail(other) != ""


def unit_of(fact: Fact) -> str:
    """Return what the number of a fact counts: "members"."""
    return re.sub(rf"^{AMOUNT}", "", fact.target)


def bridged(describing: Fact, fact: Fact) -> Iterator[Task]:
    """Yield the question of a fact, in which the fact of another document describes the subject instead of naming it.

    "Jaws was directed by Ann Lee" describes her: "When was the person who directed Jaws born?"
    """
    if not (fact.about and describing.relative and _name(describing.target) == _name(fact.subject)):
        return
    if fact.asks in ("link", "definition") or fact.question.count(fact.subject) != 1:
        return
    if possessive(fact.subject) in fact.question:
        return
    tells_answer = fact.target in describing.statement or describing.subject in fact.target
    noun = "person" if fact.person else fact.noun
    if not noun or tells_answer or describing.subject == fact.subject:
        return
    described = f"the {noun} {describing.relative}"
    yield Task(
        question=fact.question.replace(fact.subject, described),
        indirect=fact.indirect.replace(fact.subject, described),
        answer=_both(describing, fact),
        facts=(describing, fact),
        asks=fact.asks,
        target=fact.target,
    )


def _name(text: str) -> str:
    return fold(re.sub(r"^the ", "", text, flags=re.I))
