"""Compare the number in an output with the result of a calculation. Sign, unit and rounding are considered."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rag_instruct.scoring.assertions import final_answer, sides, statements
from rag_instruct.scoring.numerals import in_digits
from rag_instruct.scoring.spelling import SPACED

SCALES = {
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "mn": 1e6,
    "m": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "b": 1e9,
    "trillion": 1e12,
}
NUMBER = re.compile(
    r"(?P<open>\()?(?<![\w.])(?P<sign>[-+\u2212\u2013])?\s?(?P<currency>US\$|[$\u20ac\u00a3])?\s?(?P<inner>[-\u2212])?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?![\d])(?P<close>\))?"
    r"\s?(?P<percent>%|percent\b|per cent\b|percentage points?\b)?"
    r"\s?(?P<scale>(?:thousand|million|billion|trillion|mn|bn|[kmb])\b)?",
    re.I,
)
YEAR = re.compile(r"(?:19|20)\d\d")
CITATION = re.compile(
    r"\[[\d, ]+\]|\((?:document|doc|table|page|source|ref)\s*\d+\)"
    r"|\b(?:document|doc|page|note|table|step|passage|paragraph)s? \d+\b",
    re.I,
)
LIST_NUMBER = re.compile(r"^\s*\d+[.)]\s(?=[\s\S]*\d)", re.M)  # if it is the only number, it is the result
# Numbers that date or name a thing. They are no result where another number stands.
MONTH = (
    r"\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
NO_MORE = r"(?![\d%]|[.,]\d| ?(?i:percent|thousand|million|billion|trillion)\b)"
LABEL = re.compile(
    rf"{MONTH} \d{{1,2}}(?:st|nd|rd|th)?{NO_MORE}(?:,? \d{{4}}\b)?"
    rf"|(?<![\d.,])\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{MONTH}(?:,? \d{{4}}\b)?"
    r"|\b\d{1,2}[/.]\d{1,2}[/.](?:\d{4}|\d\d)\b|\b\d{4}-\d\d-\d\d\b"
    # 3-year, 10-K, 12 months ended
    r"|\b\d+(?:\.\d+)?-(?!(?i:percent|thousand|million|billion|trillion|point))[A-Za-z]+\b"
    r"|\b\d+ (?:days?|weeks?|months?|quarters?|years?) (?:ended|ending)\b"
    rf"|\b(?i:level|class|series|tier|topic|section|schedule|item|exhibit|chapter|rule|phase|no\.) \d+{NO_MORE}"
    # the 6.25% senior notes
    r"|\d%(?: (?!of\b)[A-Za-z]+){0,3} (?:notes?|bonds?|debentures?)\b",
)
DOWN = re.compile(
    r"\b(?:decreas|declin|drop|fell|fall|reduc|loss|lost|lower|down\b|negative|shrank|shrink|minus|less)\w*", re.I
)
FALLS = re.compile(r"\b(?:decreas|declin|drop|fell|fall|reduc|shrank|shrink)\w*", re.I)
LOSS = re.compile(r"\b(?:loss(?:es)?|lost)\b", re.I)
BEHIND_ONLY = re.compile(r"\b(?:lower|less)\b(?! by\b)", re.I)  # "12.5 lower", not "the lower price was 12.5"
LEVEL = re.compile(  # "fell to about $5": the words before say nothing of the sign
    r"\bto (?:(?:about|approximately|around|roughly|nearly|just|only|a|total|of|some) )*(?:US)?[$\u20ac\u00a3]?\s?$",
    re.I,
)
UP = re.compile(r"\b(?:increas|ris[ei]|rose|grew|grow|gain|up\b|higher|positive)\w*", re.I)
# Words before an operand of a calculation. A number after them is not the result.
OPERAND = re.compile(
    r"(?:\b(?:from|between|to|and|than|in|since|during|minus|plus|times|over|"
    r"by dividing|dividing|divide|subtracting|subtract|adding|multiplying|divided by|multiplied by|compared with|"
    r"compared to|per)|[-+*/\u00d7\u00f7(])\s*(?:US)?[$\u20ac\u00a3]?\s?$",
    re.I,
)
DIGITS = 2  # a correctly rounded number is right with at least this many significant digits,
RELATIVE = 0.01  # or with a relative error of at most this


class Number(NamedTuple):
    """A number in an output."""

    value: float  # with its sign, without the scale
    scale: float  # 1e6 for "million"
    percent: bool
    decimals: int  # digits after the point
    digits: int  # significant digits
    signed: bool  # a sign or a word such as "fell" gives the sign
    falls: bool  # a word such as "fell" gives the sign
    loss: bool  # a word such as "loss" leaves the sign open
    currency: bool


def same_number(question: str, answers: Sequence[str], text: str) -> bool:
    """Return whether the result in the text equals an answer.

    `answers` has the result. If the result is a share, it also has the percentage: ("0.382", "38.2%").
    """
    said = result(text)
    if said is None:
        return False
    falls = bool(FALLS.search(question))  # "The reduction was 12.5" may mean -12.5 and 12.5
    values = {said.value, -said.value} if said.loss or (said.falls and falls) else {said.value}
    unsigned = bool(DOWN.search(question)) and not said.signed
    shares = [float(answer.rstrip("%")) for answer in answers if answer.endswith("%")]
    plain = [float(answer) for answer in answers if not answer.endswith("%")]
    asks_percent = bool(re.search(r"percent|%|\bgrowth\b|\brate\b", question, re.I))
    in_percent = shares if asks_percent and not said.currency else []
    wanted = (shares or plain) if said.percent else plain + in_percent
    return any(
        _equal(said._replace(value=one), abs(value) if unsigned else value) for one in values for value in wanted
    )


def _equal(said: Number, wanted: float) -> bool:
    """Return whether a number equals the wanted number or rounds it correctly, with or without its scale."""
    for scale in {1.0, said.scale}:
        value, half = said.value * scale, 0.5 * 10**-said.decimals * scale
        if abs(value - wanted) <= 1e-9 * max(1.0, abs(wanted)):
            return True
        if value * wanted <= 0 and wanted != 0:
            continue
        rounded = abs(value - wanted) <= half * (1 + 1e-9)
        if rounded and (said.digits >= DIGITS or abs(value - wanted) <= RELATIVE * abs(wanted)):
            return True
    return False


def result(text: str) -> Number | None:
    """Return the number that a text gives as its result, or None.

    Only the text after the last "the answer is", and then after the last "=", is searched. Citations are ignored. The
    result is the first number that is no operand ("from 5 to 7"), year or label ("Level 3"), else the last number that
    is no year or label, else the last number, else the only number word.
    """
    final = final_answer(text)
    text = LIST_NUMBER.sub(" ", CITATION.sub(" ", final))
    text = SPACED.sub(lambda match: match[0].replace(" ", ""), text)  # 1 000 000
    if "=" in text or "\u2248" in text:
        text = re.split(r"[=\u2248]", text)[-1]
    found = [(match, sentence) for sentence in statements(text) for match in NUMBER.finditer(sentence)]
    labels = {
        sentence: [label.span() for label in LABEL.finditer(sentence)]
        for sentence in {sentence for _, sentence in found}
    }
    plain = [(match, sentence) for match, sentence in found if not _is_year(match) and not _in(match, labels[sentence])]
    results = [(match, sentence) for match, sentence in plain if not OPERAND.search(sides(sentence, match)[0])]
    for candidates in (results, plain[-1:], found[-1:]):
        if candidates:
            match, sentence = candidates[0]
            return _number(match, sentence)
    text = re.sub(r"\bone\b", "1", in_digits(text), flags=re.I)
    spelled = list(NUMBER.finditer(text))
    return _number(spelled[0], text) if len(spelled) == 1 else None


def _is_year(match: re.Match[str]) -> bool:
    plain = not (match["currency"] or match["percent"] or match["scale"] or match["sign"])
    return plain and YEAR.fullmatch(match["digits"]) is not None


def _in(match: re.Match[str], labels: Sequence[tuple[int, int]]) -> bool:
    """Return whether a number is part of a label: December 31, the 3-year total, Level 3."""
    return any(start < match.end("digits") <= end for start, end in labels)


def _number(match: re.Match[str], sentence: str) -> Number:
    digits = match["digits"].replace(",", "")
    minus = bool(match["inner"]) or match["sign"] in ("-", "\u2212", "\u2013") or _accounting(match)
    before, after = sides(sentence, match)
    before = "" if LEVEL.search(before) else BEHIND_ONLY.sub(" ", re.split(r"[.;]", before)[-1])
    clause = before + " | " + re.split(r"[.;,]", after)[0]
    falls, rises, loss = DOWN.search(LOSS.sub(" ", clause)), UP.search(clause), LOSS.search(clause)
    down = bool(falls and not (rises and rises.start() < falls.start()))
    value = -float(digits) if minus or down else float(digits)
    return Number(
        value=value,
        scale=SCALES.get((match["scale"] or "").lower(), 1.0),
        percent=bool(match["percent"]),
        decimals=len(digits.partition(".")[2]),
        digits=len(digits.replace(".", "").lstrip("0")) or 1,
        signed=minus or match["sign"] == "+" or bool(falls or rises),
        falls=down and not minus,
        loss=bool(loss) and not minus and not falls,
        currency=bool(match["currency"]),
    )


def _accounting(match: re.Match[str]) -> bool:
    """Return whether a number stands in brackets, which mean minus in accounting: (3.2)."""
    return bool(match["open"] and match["close"])
