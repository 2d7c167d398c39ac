"""Says which numbers and names of an answer its documents do not support. What can be computed from them is supported.

These rules look at words and signs only, and try to refuse only what a reader would. They err where a bare number from
1000 to 2100 counts as a year, because no counted noun follows that they know, and where documents write a number in
words of a language that `number_words` does not know. Everything else is left to the evidence of later stages.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from rag_instruct.citations import CODE
from rag_instruct.language import language_of
from rag_instruct.synthesis import computed_numbers, number_words
from rag_instruct.synthesis.number_words import number_word, numbers_in_words
from rag_instruct.words import STOP, content, stem, straight, word_set

MANY = 60  # with more numbers than this, almost any number can be computed from them
COUNTED = 31  # smaller whole numbers are counts, days, months or items of a list: any text supports them
YEARS = range(1000, 2101)
SMALL = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
TENS = "thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS: dict[str, float] = {
    **{word: number for number, word in enumerate(SMALL.split(), start=1)},
    **{word: 10 * number for number, word in enumerate(TENS.split(), start=3)},
    **{"dozen": 12, "decade": 10, "century": 100, "hundred": 100, "thousand": 1e3, "million": 1e6, "billion": 1e9},
    **{"lakh": 1e5, "crore": 1e7, "\u0932\u093e\u0916": 1e5, "\u0915\u0930\u094b\u0921\u093c": 1e7},
}
# "three hundred and sixty", "sixty-five", "three dozen", "two centuries". Without a number, "centuries" is none.
COUNTING = "|".join([*SMALL.split(), *TENS.split(), "dozen", "hundred", "thousand", "million", "billion"])
PERIODS = {"decade": 10, "decades": 10, "century": 100, "centuries": 100}
COMPOUND = re.compile(rf"\b(?:{COUNTING})(?:(?:[ -]| and )(?:{COUNTING}|{'|'.join(PERIODS)}))+\b")
# "half", "two thirds", "a quarter", and what part of a hundred each is
PARTS = {"half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "tenth": 10}
PART = re.compile(rf"\b(?:({'|'.join(SMALL.split()[:9])})[ -])?({'|'.join(PARTS)})s?\b", re.I)
PERCENT = re.compile(rf"\s*(?:{number_words.PERCENT})", re.I)
TIMES = re.compile(rf"\s*(?:{number_words.TIMES})", re.I)
DECADE = re.compile(number_words.DECADE)
# "1939-45", "2013/14". Phone numbers and dates, such as 2013-10-05, do not match.
YEARS_SHORT = re.compile(r"(?<![\d.,/\u2013-])(1\d|20)(\d\d)( ?[-/\u2010-\u2013] ?)(\d\d)(?![\d%]|[-/.,\u2013]\d)")
# A number from 1000 to 2100 that counts or measures is no year: "$1200", "1200 m", "1200 people", "1200 wooden seats".
CURRENCY = re.compile(r"[$\u20ac\u00a3\u00a5]\s?$")
UNIT = re.compile(
    r"[ -]?(?:[kcm]?m|[kcm]g|ha|ft|mi|lbs?|kw|mw|rpm|mph|people|men|women|children|feet|[%\u00b0\u20ac\u00b2\u00b3])"
    rf"(?!\w)|{number_words.COUNTED}",
    re.I,
)
GERMAN_NOUN = re.compile(number_words.GERMAN_NOUN)
PLURAL = re.compile(r"[ -]([a-z]+)(?: ([a-z]+))?")
BEFORE_YEAR = re.compile(r"\b(?:Jahre?s?|seit|bis|ab|um) $")  # in German
IN_YEAR = re.compile(r"\b(?:in|since|until|during|years?) $", re.I)
# "3.5\u4e07" is 35,000, and "1\u51042000\u4e07" is 120 million. Thousands or ones may follow.
MYRIADS = {"\u4e07": 1e4, "\u842c": 1e4, "\ub9cc": 1e4, "\u5104": 1e8, "\u4ebf": 1e8, "\uc5b5": 1e8}
DIGITS = "\u96f6\u4e00\u4e8c\u4e09\u56db\u4e94\u516d\u4e03\u516b\u4e5d"
TENFOLD = {"\u5341": 10, "\u767e": 100, "\u5343": 1000}
NUMERAL = re.compile(rf"[{DIGITS}{''.join(TENFOLD)}][{DIGITS}{''.join(TENFOLD)}{''.join(MYRIADS)}]+")
THOUSANDS = {"": 1, "\u767e": 100, "\u5343": 1000, "\ucc9c": 1000}
FIGURE_HERE = r"\d{1,15}(?:,\d{3})*(?:\.\d+)?"
MYRIAD = re.compile(rf"({FIGURE_HERE})\s?([\u767e\u5343\ucc9c]?)([{''.join(MYRIADS)}])")
IN_MYRIAD = rf"{FIGURE_HERE}\s?[\u767e\u5343\ucc9c]?[{''.join(MYRIADS)}]"
IN_MYRIADS = re.compile(
    rf"{IN_MYRIAD}(?:\s?{IN_MYRIAD})*"
    r"(?: ?(?P<thousands>\d)[\u5343\ucc9c](?![\u514b\u7c73\u74e6\u5361])"  # not kilograms, kilometres and so on
    r"|(?P<ones>\d{1,4})(?![\d.,\u767e\u5343\ucc9c]))?"
)
# Kilometres in a mile, metres in a yard and in a foot, centimetres in an inch, kilograms in a pound, and so on
UNIT_FACTORS = (1.609344, 0.9144, 0.3048, 2.54, 0.453592, 28.3495, 2.58999, 0.404686, 3.78541, 158.987)
SCALE_FACTORS = (2, 10, 100, 1e3, 1e6, 1e9)
TIME_FACTORS = (4, 7, 12, 24, 60, 365, 3600)
FIGURE = re.compile(r"\d+(?:[.,'\u2009\u202f]\d+)*")
SCALE = re.compile(
    r"[ -](hundred|thousand|million|billion|decades|centuries|lakh|crore"
    r"|\u0932\u093e\u0916|\u0915\u0930\u094b\u0921\u093c)",
    re.I,
)  # after a figure: 3.6 million
# "3 530" and "1 006": the groups of a number in many languages, with any blank.
SPACED = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f\u2009]\d{3})+(?![\d.,]?\d)")
# The decimal and the thousands sign of Arabic and Persian.
SIGNS = {0x066B: ".", 0x066C: ","}
# The words of other calendars, and our year minus their year.
CALENDARS = (
    # Buddhist era
    (re.compile("\u0e1e\\.?\u0e28|\u0e04\\.?\u0e28|\u0e1e\u0e38\u0e17\u0e18|\u0e04\u0e23\u0e34\u0e2a"), (-543,)),
    # Republic of China, and Taisho; then Reiwa, Heisei, Showa and Meiji
    (re.compile("\u6c11[\u570b\u56fd]|\u5927\u6b63"), (1911,)),
    (re.compile("\u4ee4\u548c"), (2018,)),
    (re.compile("\u5e73\u6210"), (1988,)),
    (re.compile("\u662d\u548c"), (1925,)),
    (re.compile("\u660e\u6cbb"), (1867,)),
    # Solar Hijri
    (re.compile("\u062e\u0648\u0631\u0634\u06cc\u062f\u06cc|\u0634\u0645\u0633[\u06cc\u064a]"), (621, 622)),
)
LUNAR = re.compile("\u0647\u0640|\u0647\u062c\u0631[\u064a\u06cc]")  # Hijri years, of which 33 are 32 of ours
TITLES = word_set("Don Do\u00f1a Dom Sir Lord Lady Dame Mr Mrs Ms Dr Prof Saint San Santa King Queen Prince Princess")
NOUNS_HAVE_CAPITALS = ("de", "lb")
DURATION = re.compile(
    r"\b(?:aged?|age of|after|for|within) ([a-z]+|\d+)\b"
    r"|\b([a-z]+|\d+)(?:st|nd|rd|th)?[- ](?:years?|decades?|anniversary)"
)
YEARS_LONG = re.compile(number_words.YEARS)
RATIO = re.compile(
    r"\b(ratio|average|mean|per|each|share|portion|proportion|percent\w*|times|rate|fraction)\b"
    rf"|\b(?:{number_words.RATIO})\b|{number_words.RATIO_INSIDE}",
    re.I,
)
# Lines that end as sentences do, unlike headings. Rows of a table do not count.
PROSE = re.compile(r"^(?!\W*\|).*[.!?][\"'\u201d\u2019)\]*]*\s*$", re.M)
MOST_DIGITS = 100  # characters of a figure that we read; a figure of more than 300 digits is infinite as a float
FULL_NAME = re.compile(r"[A-Z][\w'\u2019-]+(?:,? (?:(?:of|the|de|van|von) )?[A-Z][\w'\u2019-]+)+\.?")
# A sentence of a factual verb about a full name: "Ida Holm won the race in 1985."
SUBJECT = re.compile(
    r"(?P<name>[A-Z][a-z'\u2019-]+(?: [A-Z][a-z'\u2019-]+){1,3}) (?:is|was|has|had|did|won|wrote|made|led|became|\w+ed)"
    r" [^.!?\n]{1,120}(?:\.\d[^.!?\n]{0,60})?[.!]?"
)
ABBREVIATION = re.compile(r"[A-Z].*[A-Z]|\d")
NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'\u2019-]+")


def unsupported_number(answer: str, question: str, texts: str) -> str:
    """Return a number of the answer that texts and question lack, and that cannot be computed from theirs, or "".

    A number may be computed from earlier ones of the answer, too, as in a solution step by step, and from later ones
    that are supported without it, as in "201: 212 less 11". Numbers in code do not count. Among very many numbers,
    nothing is called unsupported. A number that looks like a year is computed from few others only; see `_makes_year`.
    """
    answer = CODE.sub(" ", answer)
    languages = {one: language_of(one) for one in (texts, question)}
    in_words = {one: list(numbers_in_words(one, language)) for one, language in languages.items()}
    of_texts = [value for value in dict.fromkeys(in_words[texts]) if value > COUNTED]
    of_question = [value for value in dict.fromkeys(in_words[question]) if value > 1]
    of_texts += _mantissas(texts)
    of_question += _mantissas(question)
    language = languages[texts]
    texts, question, answer = _plain(texts), _plain(question), _plain(answer)
    of_texts += _values(texts)
    of_question += _values(question)
    given = {*of_texts, *of_question}
    said = SPACED.sub(lambda found: _joined(found[0], given), answer)
    said = YEARS_SHORT.sub(lambda found: _in_full(found, given), said)
    given_text = f"{texts} {question}"
    numbers = _Numbers(
        of_documents=[*of_texts, *_scaled(texts), *_numerals(texts)],
        stated=[*of_question, *_scaled(question), *_words(said), *_compounds(said)],
        durations=list(_durations(texts, language)),
        counts={*_counts(texts, language), *_counts(question, language), *_counts(said, language)},
        shares=list(_shares(given_text)),
        asks_ratio=bool(RATIO.search(question)),
        percents={*computed_numbers.percents(given_text)},
        rates={*computed_numbers.rates(given_text)},
        scales={number / serving for serving in computed_numbers.servings(texts) for number in of_question},
        spans=[*computed_numbers.minutes(given_text), *computed_numbers.spans(given_text)],
        columns=[*computed_numbers.columns(texts), _unlabelled(texts, language)],
        minute_parts=computed_numbers.minute_parts(said, given_text),
        in_degrees=bool(computed_numbers.TEMPERATURE.search(f"{question} {said}")),
        offsets=list(_offsets(f"{said} {question} {texts}")),
    )
    figures = list(FIGURE.finditer(said))
    if len(numbers.of_documents) + len(numbers.stated) + len(figures) > MANY:
        return ""
    # A page's text may run a year and a time together: "May 15, 2012.12:01".
    copied = {*FIGURE.findall(given_text), *re.findall(r"(?<!\d)\d{4}(?!\d)", given_text)}
    open_figures, end = [], 0
    for found in figures:
        if found.start() < end:
            continue
        spaced = SPACED.match(said, found.start())
        bare = re.sub(r"\D", "", spaced[0]) if spaced else ""
        if spaced and numbers.support(bare, [float(bare)], _after(said, spaced), year=False):
            numbers.stated.append(float(bare))
            end = spaced.end()
        elif not _is_supported(found, said, copied, numbers, language):
            open_figures.append(found)
    if year := next((found[0] for found in open_figures if _is_year(said, found, language)), ""):
        return year
    unclear = {found[0] for found in open_figures}
    numbers.stated += [value for used, value in computed_numbers.computations(said) if unclear.isdisjoint(used)]
    still_open = (found[0] for found in open_figures if not _is_supported(found, said, copied, numbers, language))
    return next(still_open, "")


def _is_supported(found: re.Match[str], said: str, copied: Collection[str], numbers: "_Numbers", language: str) -> bool:
    """Return whether a figure of an answer is copied or can be computed. If so, other numbers may follow from it."""
    readings = list(_readings(found[0]))
    year = _is_year(said, found, language)
    if readings and found[0] not in copied and not numbers.support(found[0], readings, _after(said, found), year):
        whole = numbers.minute_parts.get(found.start(), ())
        if not any(numbers.support("1", [value], "", year=False) for value in whole):  # rounded to one minute
            return False
    numbers.stated += [*readings[:1], *_scaled_figure(said, found)]
    return True


def _unlabelled(text: str, language: str) -> list[float]:
    """Return the numbers of a text without those that label something: "Q1", "#3", years."""
    figures = (
        found for found in FIGURE.finditer(text) if not re.match(r"[\w#]", text[found.start() - 1 : found.start()])
    )
    return [
        value for found in figures if not _is_year(text, found, language) for value in list(_readings(found[0]))[:1]
    ]


def _after(text: str, found: re.Match[str]) -> str:
    """Return the text after a figure; "%" or "s" for a share or a decade that a word before the figure tells."""
    before = text[max(0, found.start() - 10) : found.start()]
    if number_words.PERCENT_BEFORE.search(before):
        return "%"
    return "s" if number_words.DECADE_BEFORE.search(before) else text[found.end() : found.end() + 10]


def unsupported_names(answer: str, question: str, texts: str) -> list[str]:
    """Return the answer's names that texts and question lack, if they are at least half of its new names.

    New names are those that the question lacks. Names that begin alike are the same: Bosnian and Bosnia.
    Abbreviations, a single name, and a text in which very many words have capitals cannot be judged, nor can German,
    whose nouns all have them.
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
    starts = _starts(f"{texts} {question}")
    unknown = [name for name in names if name[:4].lower() not in starts]
    return unknown if len(unknown) * 2 >= len(names) else []


def unsupported_name(answer: str, question: str, texts: str) -> str:
    """Return the name of an answer that is only a name of several words, or one sentence about it, or "".

    None of the words is in texts or question. Other texts than English ones cannot be judged, because they may spell a
    name in their own way.
    """
    answer = answer.strip()
    found = FULL_NAME.fullmatch(answer) or SUBJECT.fullmatch(answer)
    if not found or language_of(texts) != "en":
        return ""
    name = (found["name"] if "name" in found.re.groupindex else answer).rstrip(".")
    starts = _starts(f"{texts} {question}")
    return "" if any(word[:4].lower() in starts for word in re.findall(r"\b[A-Z]\w+", name)) else name


def _starts(text: str) -> set[str]:
    """Return the first four letters of each word, in small letters."""
    return {word[:4].lower() for word in re.findall(r"\w+", text)}


@dataclass
class _Numbers:
    """The numbers of the documents, and those of question and answer."""

    of_documents: list[float]
    stated: list[float]  # by the question, in words by the answer, or in figures earlier in the answer
    durations: list[float]  # of the documents, in years
    counts: Collection[float]  # the values of figures that count or measure something, 1200 in "1200 people"
    shares: list[float]  # the fractions in words, in percent
    asks_ratio: bool = False
    offsets: Sequence[float] = ()  # between years of two calendars
    percents: Collection[float] = ()  # of documents and question
    rates: Collection[float] = ()  # the numbers of these that count something for each of another thing
    scales: Collection[float] = ()  # from the servings of the documents to numbers of the question
    spans: Collection[float] = ()  # between times in minutes, and between dates in days and years
    columns: Sequence[list[float]] = ()  # of the documents' tables, and their numbers without labels
    minute_parts: Mapping[int, list[float]] = field(default_factory=dict)  # see `computed_numbers.minute_parts`
    in_degrees: bool = False  # whether question or answer has temperatures

    def support(self, figure: str, readings: list[float], after: str, year: bool) -> bool:
        """Say whether the numbers have one of the readings of a figure, or whether it can be computed from them.

        `after` is the text after the figure: "s" marks a decade, "%" a share, "times" a ratio. `year` says whether the
        figure looks like a year.
        """
        if DECADE.match(after) and any(0 <= old - readings[0] < 10 for old in self.of_documents):
            return True
        if any({readings[0] + offset, readings[0] - offset} & self._known for offset in self.offsets):
            return True
        if year:
            return self._makes_year(readings[0])
        factors, tolerance = self._ratio_factors(after), _tolerance(figure)
        if 100 in factors and any(abs(readings[0] - share) <= tolerance for share in self.shares):
            return True
        return any(self._makes(value, tolerance, factors) for value in readings)

    def _ratio_factors(self, after: str) -> tuple[int, ...]:
        """Return what a ratio of two numbers may be multiplied by; () if the figure is no ratio.

        It is 100 before "%", 1 before "times", and either if the question asks for a ratio.
        """
        if self.asks_ratio:
            return (1, 100)
        if PERCENT.match(after):
            return (100,)
        return (1,) if TIMES.match(after) else ()

    @property
    def _known(self) -> set[float]:
        return {*self.of_documents, *self.stated}

    def _makes_year(self, year: float) -> bool:
        """Say whether a year is known, or follows from known numbers.

        It may be:
        - a known number, or a known number scaled
        - a known year plus or minus a stated number or a duration
        - the product or the quotient of stated numbers
        - the difference of two large numbers
        """
        known = self._known
        large = {value for value in known if value > YEARS[-1]}
        scaled = {made for old in known for scale in SCALE_FACTORS for made in (old * scale, old / scale)}
        return (
            year in known | scaled
            or any({year - span, year + span} & known for span in (*self.stated, *self.durations))
            or self._product(year)
            or any(value - year in large for value in large)
        )

    def _product(self, value: float) -> bool:
        return any(value in (one * other, one / other) for one in self.stated for other in self.stated if other)

    def _makes(self, value: float, tolerance: float, ratio_factors: tuple[int, ...]) -> bool:
        """Say whether a value that is no year is small, or a result of the numbers."""
        if value == int(value) and value <= COUNTED:
            return True
        return any(abs(value - made) <= tolerance for made in self._results(ratio_factors))

    def _results(self, ratio_factors: tuple[int, ...]) -> Iterator[float]:
        """Yield what can be computed from the numbers.

        From numbers of documents we allow differences, sums, means and unit changes, and ratios where `ratio_factors`
        has factors for them. From stated numbers we also allow products and quotients.
        """
        known = list(dict.fromkeys([*self.of_documents, *self.stated]))
        yield from _from_any(known, {value for value in known if self._may_be_year(value)})
        yield from (made for factor in ratio_factors for made in _ratios(known, factor))
        yield from _from_stated(self.stated, known)
        for run in (self.of_documents, self.stated, *self.columns):
            yield from _sums([one for one in run if not self._may_be_year(one)])
        yield from self._of_kinds([value for value in known if not self._may_be_year(value)])

    def _of_kinds(self, values: list[float]) -> Iterator[float]:
        """Yield what follows from numbers of one kind: percents, rates, servings, times, dates, temperatures."""
        yield from self.spans
        yield from (value + span for value in values for span in self.spans)
        yield from computed_numbers.by_percents({*self.percents, *self.shares}, {*values} - {*self.percents})
        yield from _from_stated([*self.rates], values)
        yield from (rate * factor * other for rate in self.rates for factor in TIME_FACTORS for other in self.stated)
        yield from (value * scale for value in values for scale in self.scales)
        if self.in_degrees:
            yield from computed_numbers.other_scale(values)

    def _may_be_year(self, value: float) -> bool:
        return value in YEARS and value not in self.counts


def _from_any(known: list[float], years: Collection[float]) -> Iterator[float]:
    """Yield numbers in other units, differences, and sums except those with years."""
    for old in known:
        for factor in (1, *UNIT_FACTORS, *SCALE_FACTORS):
            yield from (old * factor, old / factor)
        for other in known:
            yield abs(old - other)
            if not (old in years or other in years):
                yield old + other


def _ratios(known: list[float], factor: int) -> Iterator[float]:
    """Yield which share, or how many times, one number is of another, and by how much it is larger."""
    for old in known:
        for other in known:
            if other:
                yield from (factor * old / other, factor * (old - other) / other)


def _from_stated(stated: list[float], known: list[float]) -> Iterator[float]:
    """Yield stated numbers rounded and in other units of time, and their products and quotients with known numbers."""
    for old in stated:
        yield from (math.floor(old), math.ceil(old))
        for factor in TIME_FACTORS:
            yield from (old * factor, old / factor)
        for other in known:
            if other:
                yield from (old * other, old / other, other / (old or 1))


def _sums(run: list[float]) -> Iterator[float]:
    """Yield the sums and the means of neighbouring numbers."""
    sums = [0.0, *accumulate(run)]
    for start in range(len(run)):
        for end in range(start + 2, min(start + 20, len(run)) + 1):
            total = sums[end] - sums[start]
            yield from (total, total / (end - start))


def _readings(figure: str) -> Iterator[float]:
    """Yield the values that a figure may mean.

    A mark before three digits may part groups or decimals: "1.234" is 1234 and 1.234. "1,234" is 1234 only, because few
    texts have a decimal comma before three digits. Of two different marks, the last is the decimal one: "1,234.5".
    """
    bare = re.sub(r"['\u2009\u202f]", "", figure)
    if len(bare) > MOST_DIGITS:
        return
    grouped = re.fullmatch(r"\d{1,3}(,\d{3})+|\d{1,3}(\.\d{3})+|\d{1,2}(,\d{2})+,\d{3}", bare)  # the last as in India
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
    text = re.sub(r"\d", lambda digit: str(int(digit[0])), straight(text).translate(SIGNS))
    return IN_MYRIADS.sub(_written_out, text)


def _numerals(text: str) -> Iterator[float]:
    """Yield the numbers that a text writes in Chinese signs, such as 9000 for \u4e5d\u5343."""
    for found in NUMERAL.findall(text.replace("\u4e24", "\u4e8c").replace("\u3007", DIGITS[0])):
        total, part, digit = 0.0, 0.0, 0
        for sign in found:
            if sign in DIGITS:
                digit = 10 * digit + DIGITS.index(sign)
            elif sign in MYRIADS:
                total, part, digit = total + (part + digit) * MYRIADS[sign], 0.0, 0
            else:
                part, digit = part + (digit or 1) * TENFOLD[sign], 0
        yield total + part + digit


def _mantissas(text: str) -> Iterator[float]:
    """Yield 3.2 and 4 for \"3.2\u4ebf\" and \"4\u4ebf\", because a computation may leave the unit out."""
    for figure, _, _ in MYRIAD.findall(text):
        yield float(figure.replace(",", ""))


def _written_out(found: re.Match[str]) -> str:
    """Return a number of tens of thousands in figures: 3.5\u4e07 is 35000."""
    value = float(found["ones"] or 0) + 1000 * float(found["thousands"] or 0)
    for figure, thousands, unit in MYRIAD.findall(found[0]):
        value += float(figure.replace(",", "")) * THOUSANDS[thousands] * MYRIADS[unit]
    return f"{value:.6f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def _second_year(found: re.Match[str]) -> int:
    """Return the year in which the years of "1939-45" end, or 0 if they do not rise, as those of a month do not."""
    first, last = int(found[1] + found[2]), int(found[1] + found[4])
    last += 100 if last - first < -80 else 0  # 1999-00
    return last if last > first else 0


def _in_full(found: re.Match[str], known: Collection[float]) -> str:
    """Return "1939-45" as "1939-1945" if this year is known; else unchanged, because it may be a difference."""
    year = _second_year(found)
    return f"{found[1]}{found[2]}{found[3]}{year}" if year in known else found[0]


def _is_year(text: str, found: re.Match[str], language: str) -> bool:
    """Say whether a figure of a text looks like a year: a bare number from 1000 to 2100 that counts nothing.

    `language` is that of the documents. In German, any noun after the number may be what it counts.
    """
    if not found[0].isdigit() or len(found[0]) != 4 or int(found[0]) not in YEARS:
        return False
    after = text[found.end() : found.end() + 40]
    before = text[max(0, found.start() - 10) : found.start()]
    if UNIT.match(after) or CURRENCY.search(before):
        return False
    if language in NOUNS_HAVE_CAPITALS and GERMAN_NOUN.match(after) and not BEFORE_YEAR.search(before):
        return False
    nouns = PLURAL.match(after)
    if nouns is None or nouns[1] in STOP or IN_YEAR.search(before):
        return True
    return not any(word and word not in STOP and re.search("[^isu]s$", word) for word in nouns.groups())


def _counts(text: str, language: str) -> Iterator[float]:
    """Yield the values of a text's figures that do not look like years."""
    for found in FIGURE.finditer(text):
        if not _is_year(text, found, language):
            yield from _readings(found[0])


def _joined(figure: str, known: Collection[float]) -> str:
    """Return "3 530" as "3530" if this number is known; else unchanged, because it may be two numbers."""
    bare = re.sub(r"\D", "", figure)
    return bare if float(bare) in known else figure


def _offsets(texts: str) -> Iterator[float]:
    """Yield our year minus the year of another calendar, for the calendars that the texts use."""
    for words, offsets in CALENDARS:
        if words.search(texts):
            yield from offsets
    if LUNAR.search(texts):
        for year in {int(year) for year in re.findall(r"\b\d{2,4}\b", texts)}:
            if year < YEARS[-1]:
                offset = round(year * 32 / 33) + 622 - year
                yield from (offset - 1, offset, offset + 1)


def _values(text: str) -> Iterator[float]:
    for figure in FIGURE.findall(text):
        yield from _readings(figure)
    for spaced in SPACED.findall(text):
        yield from _readings(re.sub(r"\D", "", spaced))
    yield from (float(year) for found in YEARS_SHORT.finditer(text) if (year := _second_year(found)))
    yield from _words(text)
    yield from _compounds(text)


def _scaled(text: str) -> Iterator[float]:
    """Yield the values of figures before a word: 3.6 million."""
    for found in FIGURE.finditer(text):
        yield from _scaled_figure(text, found)


def _scaled_figure(text: str, found: re.Match[str]) -> Iterator[float]:
    """Yield the values of a figure of the text with the word behind it, if there is one: 3.6 million."""
    if scale := SCALE.match(text, found.end()):
        word = scale[1].lower()
        yield from (value * PERIODS.get(word, NUMBER_WORDS.get(word, 1)) for value in _readings(found[0]))


def _words(text: str) -> Iterator[float]:
    yield from (NUMBER_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in NUMBER_WORDS)


def _compounds(text: str) -> Iterator[float]:
    """Yield the values of numbers of several words: three hundred and sixty."""
    for found in COMPOUND.finditer(text.lower()):
        words = re.findall("[a-z]+", found[0].replace(" and ", " "))
        total = current = 0.0
        for word in words:
            value = PERIODS.get(word, NUMBER_WORDS.get(word, 0))
            if value >= 1000 or word in PERIODS:
                total, current = total + (current or 1) * value, 0.0
            else:
                current = (current or 1) * value if word in ("dozen", "hundred") else current + value
        yield total + current


def _shares(text: str) -> Iterator[float]:
    """Yield the fractions in words, in percent: "two thirds"."""
    for found in PART.finditer(text):
        yield 100 * NUMBER_WORDS[(found[1] or "one").lower()] / PARTS[found[2].lower()]


def _durations(text: str, language: str) -> Iterator[float]:
    for found in DURATION.finditer(text.lower()):
        word = found[1] or found[2]
        if word.isdigit() or word in NUMBER_WORDS:
            yield float(word) if word.isdigit() else NUMBER_WORDS[word]
    if language != "en":
        for word in YEARS_LONG.findall(text.lower()):
            if not word.isdigit():
                yield number_word(word, language)
            elif len(word) <= 3:
                yield float(word)
