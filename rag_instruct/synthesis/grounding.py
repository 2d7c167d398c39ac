"""Says which numbers and names of an answer its documents do not support. What can be computed from them is supported.

These rules refuse only what they are sure of. Everything else is left to the evidence of later stages.
"""

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from rag_instruct.language import language_of
from rag_instruct.words import content, stem

MANY = 60  # with more numbers than this, almost any number can be computed from them
COUNTED = 31  # smaller whole numbers are counts, days, months or items of a list: any text supports them
YEARS = range(1000, 2101)
SMALL = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
TENS = "thirty forty fifty sixty seventy eighty ninety"
WORDS: dict[str, float] = {
    **{word: number for number, word in enumerate(SMALL.split(), start=1)},
    **{word: 10 * number for number, word in enumerate(TENS.split(), start=3)},
    **{"dozen": 12, "decade": 10, "century": 100, "hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9},
}
UNITS = (1.609344, 0.9144, 0.3048, 2.54, 0.453592, 28.3495, 2.58999, 0.404686, 3.78541, 158.987)  # miles, yards, ...
SCALES = (2, 10, 100, 1e3, 1e6, 1e9)
TIMES = (4, 7, 12, 24, 60, 365, 3600)
FIGURE = re.compile(r"\d+(?:[.,'\u2009\u202f]\d+)*")
# "3 530" and "1 006": the groups of a number in many languages, with any blank.
SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?![\d.,]?\d)")
# The decimal and the thousands sign of Arabic and Persian.
SIGNS = {0x066B: ".", 0x066C: ","}
# The words of other calendars, and our year minus their year.
CALENDARS = (
    (
        re.compile("\u0e1e\\.?\u0e28|\u0e04\\.?\u0e28|\u0e1e\u0e38\u0e17\u0e18|\u0e04\u0e23\u0e34\u0e2a"),
        (-543,),
    ),  # Buddhist era
    (re.compile("\u6c11[\u570b\u56fd]|\u5927\u6b63"), (1911,)),
    (re.compile("\u4ee4\u548c"), (2018,)),
    (re.compile("\u5e73\u6210"), (1988,)),
    (re.compile("\u662d\u548c"), (1925,)),
    (re.compile("\u660e\u6cbb"), (1867,)),
    (
        re.compile("\u062e\u0648\u0631\u0634\u06cc\u062f\u06cc|\u0634\u0645\u0633[\u06cc\u064a]"),
        (621, 622),
    ),  # Solar Hijri
)
LUNAR = re.compile("\u0647\u0640|\u0647\u062c\u0631[\u064a\u06cc]")  # Hijri years, of which 33 are 32 of ours
TITLES = frozenset(
    re.findall(
        r"\w+", "Don Do\u00f1a Dom Sir Lord Lady Dame Mr Mrs Ms Dr Prof Saint San Santa King Queen Prince Princess"
    )
)
NOUNS_HAVE_CAPITALS = ("de", "lb")
DURATION = re.compile(
    r"\b(?:aged?|age of|after|for|within) ([a-z]+|\d+)\b"
    r"|\b([a-z]+|\d+)(?:st|nd|rd|th)?[- ](?:years?|decades?|anniversary)"
)
RATIO = re.compile(r"\b(ratio|average|mean|per|each|share|portion|proportion|percent\w*|times|rate|fraction)\b", re.I)
CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.S)
PROSE = re.compile(
    r"^(?!\W*\|).*[.!?][\"'\u201d\u2019)\]*]*\s*$", re.M
)  # lines that end as sentences do, unlike headings
LONGEST = 100  # characters of a number; those of more than 300 digits are infinite as a float
ABBREVIATION = re.compile(r"[A-Z].*[A-Z]|\d")
NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'\u2019-]+")


def unsupported_number(answer: str, question: str, texts: str) -> str:
    """Return a number of the answer that texts and question lack, and that cannot be computed from theirs, or "".

    A number may be computed from earlier ones of the answer, too, as in a solution step by step. Numbers in code do not
    count. Among very many numbers, nothing is called unsupported.
    """
    texts, question = _plain(texts), _plain(question)
    known = {*_values(texts), *_values(question)}
    said = SPACED.sub(lambda found: _joined(found[0], known), _plain(CODE.sub(" ", answer)))
    figures = set(FIGURE.findall(f"{texts} {question}"))
    stated = [*_values(question), *_scaled(question), *_words(said), *_scaled(said)]
    asks_ratio = bool(RATIO.search(question))
    offsets = list(_offsets(f"{said} {question} {texts}"))
    numbers = _Numbers([*_values(texts), *_scaled(texts)], stated, list(_durations(texts)), asks_ratio, offsets)
    if len(numbers.of_documents) + len(numbers.stated) + len(FIGURE.findall(said)) > MANY:
        return ""
    for found in FIGURE.finditer(said):
        readings = list(_readings(found[0]))
        after = said[found.end() : found.end() + 10]
        if found[0] not in figures and readings and not numbers.support(found[0], readings, after):
            return found[0]
        numbers.stated += readings[:1]
    return ""


def unsupported_names(answer: str, question: str, texts: str) -> list[str]:
    """Return the names that the texts and the question lack, if they are at least half of the answer's new names.

    Names that begin alike are the same: Bosnian and Bosnia. Abbreviations, a single name, and a text in which very many
    words have capitals cannot be judged, nor can German, whose nouns all have them.
    """
    if language_of(texts) in NOUNS_HAVE_CAPITALS:
        return []
    said = " ".join(PROSE.findall(CODE.sub(" ", answer)))
    names = [
        name
        for name in NAME.findall(said)
        if stem(name) not in content(question) and not ABBREVIATION.search(name) and name not in TITLES
    ]
    if len(names) < 2 or len(names) > 0.6 * len(said.split()):
        return []
    starts = {word[:4].lower() for word in re.findall(r"\w+", f"{texts} {question}")}
    unknown = [name for name in names if name[:4].lower() not in starts]
    return unknown if len(unknown) * 2 >= len(names) else []


@dataclass
class _Numbers:
    """The numbers of the documents, those of question and answer, and the documents' durations in years."""

    of_documents: list[float]
    stated: list[float]  # by the question, or earlier in the answer
    durations: list[float]
    asks_ratio: bool = False
    offsets: Sequence[float] = ()  # between years of two calendars

    def support(self, figure: str, readings: list[float], after: str) -> bool:
        """Say whether the numbers have one of the readings of a figure, or whether it can be computed from them.

        `after` is the text after the figure: "s" marks a decade, "%" a share.
        """
        is_share = self.asks_ratio or bool(re.match(r"\s*(%|percent|per cent|times|-?fold)", after))
        if after.startswith("s") and any(0 <= old - readings[0] < 10 for old in self.of_documents):
            return True
        if any({readings[0] + offset, readings[0] - offset} & self._known for offset in self.offsets):
            return True
        if readings[0] in YEARS and figure.isdigit():
            return self._makes_year(readings[0])
        return any(self._makes(value, _tolerance(figure), is_share) for value in readings)

    @property
    def _known(self) -> set[float]:
        return {*self.of_documents, *self.stated}

    def _makes_year(self, year: float) -> bool:
        """Say whether a year is known, or follows from known numbers.

        It may lie a stated number or a duration of years from a known year, be a product or quotient of stated numbers,
        a known number scaled, or the difference of two large numbers.
        """
        known = self._known
        spans = [*self.stated, *self.durations]
        large = {value for value in known if value > YEARS[-1]}
        if any(value - year in large for value in large):
            return True
        scaled = {made for old in known for scale in SCALES for made in (old * scale, old / scale)}
        return (
            year in known | scaled or any({year - span, year + span} & known for span in spans) or self._product(year)
        )

    def _product(self, value: float) -> bool:
        return any(value in (one * other, one / other) for one in self.stated for other in self.stated if other)

    def _makes(self, value: float, tolerance: float, is_share: bool) -> bool:
        """Say whether a value that is no year is small, or a result of the numbers."""
        if value == int(value) and value <= COUNTED:
            return True
        return any(abs(value - made) <= tolerance for made in self._results(is_share))

    def _results(self, is_share: bool) -> Iterator[float]:
        """Yield what can be computed from the numbers.

        From numbers of documents we allow differences, sums, means and unit changes, and ratios if a share is asked
        for. From stated numbers we also allow products and quotients.
        """
        known = list(dict.fromkeys([*self.of_documents, *self.stated]))
        for old in known:
            yield from (made for factor in (1, *UNITS, *SCALES) for made in (old * factor, old / factor))
            yield from (abs(old - other) for other in known)
            yield from (old + other for other in known if not (old in YEARS or other in YEARS))
            if is_share:
                yield from (
                    made for other in known if other for made in (100 * old / other, 100 * (old - other) / other)
                )
        for old in self.stated:
            yield from (
                math.floor(old),
                math.ceil(old),
                *(old * time for time in TIMES),
                *(old / time for time in TIMES),
            )
            yield from (made for other in known if other for made in (old * other, old / other, other / (old or 1)))
        yield from (
            made for run in (self.of_documents, self.stated) for made in _sums([one for one in run if one not in YEARS])
        )


def _sums(run: list[float]) -> Iterator[float]:
    """Yield the sums and the means of neighbouring numbers."""
    sums = [0.0, *accumulate(run)]
    for start in range(len(run)):
        for end in range(start + 2, min(start + 20, len(run)) + 1):
            total = sums[end] - sums[start]
            yield from (total, total / (end - start))


def _readings(figure: str) -> Iterator[float]:
    """Yield the values that a figure may mean: 1.234 is a little more than one, or more than a thousand."""
    bare = re.sub(r"['\u2009\u202f]", "", figure)
    if len(bare) > LONGEST:
        return
    grouped = re.fullmatch(r"\d{1,3}(,\d{3})+|\d{1,3}(\.\d{3})+", bare)
    if grouped:
        yield float(re.sub(r"[.,]", "", bare))
    if len(re.findall(r"[.,]", bare)) <= 1 and not (grouped and "," in bare):
        yield float(bare.replace(",", "."))
    elif not grouped and re.fullmatch(r"[\d,]+\.\d+|[\d.]+,\d+", bare):
        yield float(re.sub(r"[.,](?=.*[.,])", "", bare).replace(",", "."))


def _tolerance(figure: str) -> float:
    """Return how far a figure may be rounded: half of its last digit that is not zero."""
    decimals = re.search(r"[.,](\d{1,2}|\d{4,})$", figure)
    if decimals:
        return 0.5001 * 10.0 ** -len(decimals[1])
    digits = re.sub(r"\D", "", figure)
    return 0.5001 * 10.0 ** (len(digits) - len(digits.rstrip("0")))


def _plain(text: str) -> str:
    """Return the text with ASCII digits, and a point and commas in numbers, whatever its script."""
    if text.isascii():
        return text
    return re.sub(r"\d", lambda digit: str(int(digit[0])), text.translate(SIGNS))


def _joined(figure: str, known: Collection[float]) -> str:
    """Return a number without the blanks between its groups, if it is known. Else it may be several numbers."""
    bare = re.sub(r"\D", "", figure)
    return bare if float(bare) in known else figure


def _offsets(texts: str) -> Iterator[float]:
    """Yield by how many years the calendars that the texts use differ."""
    for words, offsets in CALENDARS:
        if words.search(texts):
            yield from offsets
    if LUNAR.search(texts):
        years = {int(year) for year in re.findall(r"\b\d{2,4}\b", texts)}
        yield from {
            round(year * 32 / 33) + 622 + one - year for year in years for one in (-1, 0, 1) if year < YEARS[-1]
        }


def _values(text: str) -> Iterator[float]:
    for figure in FIGURE.findall(text):
        yield from _readings(figure)
    for spaced in SPACED.findall(text):
        yield from _readings(re.sub(r"\D", "", spaced))
    yield from _words(text)


def _scaled(text: str) -> Iterator[float]:
    """Yield the values of figures before a word: 3.6 million."""
    for figure, word in re.findall(rf"({FIGURE.pattern})[ -](hundred|thousand|million|billion)", text.lower()):
        yield from (value * WORDS[word] for value in _readings(figure))


def _words(text: str) -> Iterator[float]:
    yield from (WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in WORDS)


def _durations(text: str) -> Iterator[float]:
    for found in DURATION.finditer(text.lower()):
        word = found[1] or found[2]
        if word.isdigit() or word in WORDS:
            yield float(word) if word.isdigit() else WORDS[word]
