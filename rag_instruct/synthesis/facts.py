"""Facts of passages: sentences of which a part can be asked for, with the question and the answer as texts."""

import re
from pathlib import Path

from rag_instruct.record_files import read_records
from rag_instruct.schema import Record
from rag_instruct.synthesis.clauses import YEAR
from rag_instruct.words import MONTHS, word_set

UNIT_NAMES = word_set(
    "metre metres meter meters kilometre kilometres kilometer kilometers km mile miles foot feet inch inches cm "
    "mm year years litre litres liter liters gram grams kg kilos pounds dollars euros minutes hours days weeks "
    "months degrees seconds"
)
THING = "THING"  # the label of a fact's target that has no type: the targets of two such facts have little in common
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?: (hundred|thousand|million|billion)\b)?")
POWERS = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9}
# NO_YEAR: years before Christ, clock times, spans. NEAR_A_YEAR: words that make a year inexact. Neither gives an order,
# a century or an age.
NO_YEAR = re.compile(r"\bB\.? ?C|\bhours?\b|\d{4}\s*[-\u2013/]\s*\d", re.I)
NEAR_A_YEAR = re.compile(
    r"\b(?:around|about|circa|ca?|by|until|till|before|after|since|from|between|approximately|roughly|to)\b", re.I
)


class Fact(Record, frozen=True):
    """A sentence with a part that can be asked for.

    All other texts than `sentence` stand alone, and statements have no full stop.
    """

    sentence: str  # as it stands in the passage
    subject: str
    asks: str  # when, where, who, count, what, definition; link: only for descriptions
    target: str  # the words that are asked for
    question: str  # "When was Ann Lee born?"
    indirect: str  # "when Ann Lee was born"
    statement: str  # "Ann Lee was born in 1912"
    open: str  # the statement without the target: "Ann Lee was born"
    relation: str  # "bear"
    label: str = ""  # type of the target, if it is a name
    noun: str = ""  # what the subject is: "film"; "" if unknown, or if it is not the article's subject
    about: bool = False  # whether the subject is the article's subject
    person: bool = False  # whether the subject is a person
    relative: str = ""  # the target described by the clause: "who directed Jaws"

    @property
    def year(self) -> int | None:
        """The year that is asked for; None if the target has no year, a span, or only an inexact time."""
        years = YEAR.findall(self.target)
        if self.asks != "when" or len(years) != 1 or NO_YEAR.search(self.target):
            return None
        word_before = self.statement.partition(self.target)[0].split()[-1:]  # "about" 1900
        near = NEAR_A_YEAR.search(" ".join([*word_before, self.target])) or self.indirect.startswith(("since", "until"))
        return None if near else int(years[0])

    @property
    def number(self) -> float | None:
        """The number that is asked for; None if it is in words, or if there are several."""
        found = list(NUMBER.finditer(self.target))
        if self.asks != "count" or len(found) != 1:
            return None
        digits = found[0][0].split()[0].replace(",", "")
        return float(digits) * POWERS.get(found[0][1] or "", 1.0)

    @property
    def date(self) -> tuple[int, int, int] | None:
        """The whole date that is asked for, as year, month and day."""
        found = re.search(rf"\b(\d{{1,2}}) ({MONTHS})|({MONTHS}) (\d{{1,2}})\b", self.target)
        if self.year is None or not found:
            return None
        month, day = found[2] or found[3], found[1] or found[4]
        return self.year, MONTHS.split("|").index(month) + 1, int(day)


class FactsOf(Record, frozen=True):
    """The facts of a passage."""

    passage: str  # id
    facts: tuple[Fact, ...]


def facts_by_passage(path: Path) -> dict[str, tuple[Fact, ...]]:
    """Read facts; passages without any are missing."""
    return {one.passage: one.facts for one in read_records(path, FactsOf)}
