"""What a reader computes from the numbers of a text: shares, rates, amounts for more people, times and dates.

Each function reads one kind of number. Which results support a number of an answer is decided in `grounding`.
"""

import re
from collections.abc import Collection, Iterator
from datetime import date
from itertools import combinations

from rag_instruct.words import MONTHS

NUMBER = r"\d{1,15}(?:,\d{3}){0,5}(?:\.\d{1,15})?(?!\d)"
PERCENTS = re.compile(rf"(?<![\d.,])({NUMBER}) ?(?:%|percent\b|per cent\b)", re.I)
TIME_UNIT = r"(?:seconds?|minutes?|mins?|hours?|hrs?|days?|nights?|weeks?|months?|quarters?|years?)"
# "36.40 a month", "15 mg per kg", "2 euros each", "3.4 mm/year", "24 instalments of $189", "six weeks"
RATES = re.compile(
    rf"(?<![\d.,])({NUMBER})(?: ?[^\W\d]++\.?){{0,2}}?(?: ?/ ?(?=[a-z])| (?:per|each|apiece|every)\b"
    rf"| an? (?:{TIME_UNIT}|share|piece|head|person|dose|serving|portion|ticket|copy|unit|bottle|pack|mile|kilo\w*)\b"
    rf"|[ -]{TIME_UNIT}\b)"
    rf"|\b(?:\d+|[a-z]+) [a-z]+ (?:of|at) [$\u20ac\u00a3\u00a5] ?({NUMBER})",
    re.I,
)
SERVINGS = re.compile(
    r"\b(?:serves|feeds|makes|yields?|servings|portions)(?: about)?:? (\d{1,3})\b"
    r"|(?<![\d.,])(\d{1,3}) (?:servings|portions|people|persons|guests)\b",
    re.I,
)
TEMPERATURE = re.compile(r"\u00b0|\bdegrees?\b|\b(?:fahrenheit|celsius)\b|\d ?[CF]\b", re.I)
CLOCK = re.compile(
    r"(?<![\d:.,])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])(?: ?([ap])\.?m\b)?|(?<![\d:.,])(1[0-2]|[1-9]) ?([ap])\.?m\b", re.I
)
HOURS = re.compile(
    r"(?<![\d.,])(\d{1,3}(?:\.\d+)?) ?(?:h|hrs?|hours?)\b(?:,? (?:and )?(\d{1,2}) ?(?:m|mins?|minutes?)\b)?", re.I
)
SHORT_MONTHS = [month[:3].lower() for month in MONTHS.split("|")]
MONTH = rf"({MONTHS}|{'|'.join(SHORT_MONTHS)})\.?"
DATE = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?{MONTH}(?:,? (\d{{4}}))?\b"
    rf"|\b{MONTH} (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?\b"
    r"|\b(\d{4})-(\d\d)-(\d\d)\b",
    re.I,
)
MOST_DATES = 30  # that are compared with each other
OPERAND = rf"[$\u20ac\u00a3\u00a5]?(?<![\d.,]){NUMBER}(?: ?%| ?[a-z\u00b0\u00b2\u00b3]{{1,12}}(?![a-z]))?"
OPERATOR = r"(?: [-+/*x\u00d7\u00b7\u00f7\u2212\u2013] ?|[+/*\u00d7\u00b7\u00f7\u2212])"
COMPUTATION = re.compile(rf"{OPERAND}(?:{OPERATOR}{OPERAND})+", re.I)
PARTS = re.compile(rf"({NUMBER})( ?%)?|([-+/*\u00d7\u00b7\u00f7\u2212\u2013]|(?<= )x(?= ))", re.I)
BRACKETED = re.compile(rf"\(({COMPUTATION.pattern})\)", re.I)
DEEPEST = 3  # brackets in brackets of a computation


def percents(text: str) -> Iterator[float]:
    for found in PERCENTS.findall(text):
        yield _value(found)


def by_percents(shares: Collection[float], values: Collection[float]) -> Iterator[float]:
    """Yield shares of values, values that rise or fall by a share, and values of which they are a share."""
    for share in shares:
        for factor in (share / 100, 1 + share / 100, 1 - share / 100):
            if factor > 0:
                yield from (made for value in values for made in (value * factor, value / factor))


def rates(text: str) -> Iterator[float]:
    """Yield the numbers that count something for each of another thing, and those of units of time."""
    for found in RATES.finditer(text):
        yield _value(found[1] or found[2])


def servings(text: str) -> Iterator[float]:
    """Yield for how many people, or portions, the amounts of a text are."""
    for found in SERVINGS.finditer(text):
        if float(found[1] or found[2]):
            yield float(found[1] or found[2])


def other_scale(values: Collection[float]) -> Iterator[float]:
    """Yield temperatures in Fahrenheit as Celsius, and the other way round."""
    for value in values:
        yield from (value * 1.8 + 32, (value - 32) / 1.8)


def minutes(text: str) -> Iterator[float]:
    """Yield durations with hours in minutes, and the minutes between two times of a day."""
    for found in HOURS.finditer(text):
        yield 60 * float(found[1]) + float(found[2] or 0)
    times = [_minute(found) for found in CLOCK.finditer(text)][:MOST_DATES]
    for one, other in combinations(times, 2):
        yield from (span % 1440 for span in (other - one, one - other, other - one + 720))


def minute_parts(text: str, given: str) -> dict[int, list[float]]:
    """Return where an answer has minutes behind hours, and what number of minutes would support them.

    For "1 hour 44 minutes", this is 104. For a time of a day, it is how far it is from a given one, or from a full hour
    of the answer.
    """
    parts = {found.start(2): [60 * float(found[1]) + float(found[2])] for found in HOURS.finditer(text) if found[2]}
    times = list(CLOCK.finditer(text))[:MOST_DATES]
    known = [_minute(found) for found in list(CLOCK.finditer(given))[:MOST_DATES]]
    known += [_minute(found) for found in times if not int(found[2] or 0)]
    for found in times:
        if found[2]:
            apart = [_minute(found) - other for other in known]
            parts[found.start(2)] = [span % day for one in apart for span in (one, -one) for day in (720, 1440)]
    return parts


def _minute(found: re.Match[str]) -> float:
    hour, half = int(found[1] or found[4]), (found[3] or found[5] or "").lower()
    if half:
        hour = hour % 12 + 12 * (half == "p")
    return 60.0 * hour + int(found[2] or 0)


def spans(text: str) -> Iterator[float]:
    """Yield the whole years, and the days with and without the last one, between two dates of a text."""
    dates = [day for found in DATE.finditer(text) if (day := _date(found))][:MOST_DATES]
    for (one, one_dated), (other, other_dated) in combinations(dates, 2):
        if one_dated and other_dated:
            first, last = sorted((one, other))
            yield last.year - first.year - ((last.month, last.day) < (first.month, first.day))
        else:  # a date without a year is in the year of the other one
            year = one.year if one_dated else other.year
            first, last = sorted((_in_year(one, year), _in_year(other, year)))
        yield from ((last - first).days, (last - first).days + 1)


def _date(found: re.Match[str]) -> tuple[date, bool] | None:
    """Return a date, and whether its year is given; None if there is no such day."""
    day, month = found[1] or found[5] or found[9], found[2] or found[4]
    number = int(found[8]) if found[8] else SHORT_MONTHS.index(month[:3].lower()) + 1
    year = found[3] or found[6] or found[7]
    try:
        return date(int(year or 2001), number, int(day)), bool(year)
    except ValueError:
        return None


def _in_year(day: date, year: int) -> date:
    return day.replace(year=year, day=min(day.day, 28) if day.month == 2 else day.day)


def columns(text: str) -> Iterator[list[float]]:
    """Yield the numbers of each column of a text's tables."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.lstrip().startswith("|")]
    for place in range(max(map(len, rows), default=0)):
        cells = [re.fullmatch(rf"\W*({NUMBER})\W*", row[place]) for row in rows if place < len(row)]
        yield [_value(cell[1]) for cell in cells if cell]


def computations(text: str) -> Iterator[tuple[list[str], float]]:
    """Yield the figures and the result of each computation that a text writes out: "2 x 14.50 + 3 x 8.25"."""
    for _ in range(DEEPEST):
        for found in COMPUTATION.finditer(text):
            if (value := _result(found[0])) is not None:
                yield [figure for figure, _, _ in PARTS.findall(found[0]) if figure], value
        if (simpler := BRACKETED.sub(_in_place, text)) == text:
            return
        text = simpler


def _in_place(found: re.Match[str]) -> str:
    value = _result(found[1])
    return " " if value is None or value < 0 else f"{value:.6f}"


def _result(computation: str) -> float | None:
    """Return the result of numbers with signs between them, or None if it has none."""
    parts = PARTS.findall(computation)
    if len(parts) % 2 == 0 or any(bool(sign) == (place % 2 == 0) for place, (_, _, sign) in enumerate(parts)):
        return None
    values = [_value(figure) / (100 if percent else 1) for figure, percent, sign in parts if not sign]
    total, product = 0.0, values[0]
    for (_, _, sign), value in zip(parts[1::2], values[1:], strict=True):
        if sign in "/\u00f7":
            if not value:
                return None
            product /= value
        elif sign in "*xX\u00d7\u00b7":
            product *= value
        else:
            total, product = total + product, value if sign == "+" else -value
    return total + product


def _value(figure: str) -> float:
    return float(figure.replace(",", ""))
