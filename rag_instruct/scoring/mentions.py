"""Find mentions of an answer as whole words. Spellings of accents, articles, dates, initials and units may differ."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rag_instruct.scoring.denials import BRACKETED
from rag_instruct.scoring.numerals import ORDINALS, number_name, numeral, ordinal, roman
from rag_instruct.scoring.spelling import ARTICLES, EXPANDED, MONTHS, NO_LETTER, Word, canonical, normalized, words_of
from rag_instruct.words import STOP

UMLAUTS = str.maketrans(
    dict(zip("\u00e4\u00f6\u00fc\u00c4\u00d6\u00dc", ("ae", "oe", "ue", "Ae", "Oe", "Ue"), strict=True))
)
# Names that the field's golds use without the others.
COUNTRIES = (
    ("United States of America", "United States", "USA", "U.S.A.", "US", "U.S."),
    ("United Kingdom", "UK", "U.K."),
)
STATE_NAMES = """
AL:Alabama AK:Alaska AZ:Arizona AR:Arkansas CA:California CO:Colorado CT:Connecticut DE:Delaware FL:Florida GA:Georgia
HI:Hawaii ID:Idaho IL:Illinois IN:Indiana IA:Iowa KS:Kansas KY:Kentucky LA:Louisiana ME:Maine MD:Maryland
MA:Massachusetts MI:Michigan MN:Minnesota MS:Mississippi MO:Missouri MT:Montana NE:Nebraska NV:Nevada NH:New_Hampshire
NJ:New_Jersey NM:New_Mexico NY:New_York NC:North_Carolina ND:North_Dakota OH:Ohio OK:Oklahoma OR:Oregon PA:Pennsylvania
RI:Rhode_Island SC:South_Carolina SD:South_Dakota TN:Tennessee TX:Texas UT:Utah VT:Vermont VA:Virginia WA:Washington
WV:West_Virginia WI:Wisconsin WY:Wyoming DC:District_of_Columbia
"""
STATES = dict(pair.replace("_", " ").split(":") for pair in STATE_NAMES.split())
IN_STATE = re.compile(r"([A-Z][\w .'-]+), ([A-Z][\w .]+)")
CODES_OF_STATES = {name: code for code, name in STATES.items()}
WARS = (
    ("World War I", "World War One", "First World War", "WWI", "WW1"),
    ("World War II", "World War Two", "Second World War", "WWII", "WW2"),
)
# A title that may be left out before a whole name. "King of the Hill" has none, and "Queen Anne" needs it.
TITLED = re.compile(
    r"(?:Sir|Dame|Lord|Lady|King|Queen|Prince|Princess|Pope|President|Prime Minister|Senator|Governor|Justice|Captain"
    r"|General|Admiral|Colonel|Major|Dr\.?|Doctor|Prof\.?|Professor) ([A-Z][\w.'-]*(?: [A-Z][\w.'-]*)+)"
)
PLACES = """
england york zealand mexico jersey hampshire orleans guinea testament caledonia brunswick haven london britain ireland
amsterdam france spain netherlands world deal order
"""
# Words before a name that make another name of it: New England.
OTHER_NAME = {
    "new": frozenset([*PLACES.split(), "south wales", "york city", "mexico city"]),
    "west": frozenset(["virginia"]),
    "south": frozenset(["sudan", "georgia"]),
    "northern": frozenset(["ireland"]),
    "equatorial": frozenset(["guinea"]),
}
IRREGULAR = {"foot": "feet", "tooth": "teeth", "goose": "geese", "mouse": "mice", "man": "men", "woman": "women",
             "child": "children", "wolf": "wolves", "leaf": "leaves", "knife": "knives", "wife": "wives"}  # fmt: skip
SINGULARS = {plural: singular for singular, plural in IRREGULAR.items()}
# Names of people and firms that are common nouns too. Their plural in small letters is another thing.
COMMON_NAMES = """
rose lily daisy jasmine iris ivy violet hazel heather olive poppy ruby pearl amber jade crystal coral ginger holly
robin martin jay drake crow swift wolf fox buck bird lamb bush stone page ford king queen prince knight bishop pope
dean earl duke baron smith baker cook carter taylor tailor miller mason hunter fisher potter turner porter cooper
parker butler shepherd mark bill jack rob pat rod grant chase will frank wood hill field lake brook forest heath marsh
pike bass wright bond cash cage hope faith grace joy star sky dawn summer june may april day apple blackberry amazon
shell target gap oracle visa time life train journey genesis cream eagle jaguar puma mustang beetle mini polo turkey
china chad jordan cork bath kiss dolphin pitt penn price chance guy art
"""
NAMES = frozenset(COMMON_NAMES.split())
BARE_ORDINAL = re.compile(r"(?:the )?(?:1st|2nd)", re.I)
# Where "I" and "one" are pronouns and no numbers: the type I like.
PRONOUN = re.compile(r".*\b(?:I|one)", re.I | re.S)
WITH_PRONOUN = re.compile(
    r"\s+(?:really|always|usually|often|never|also|just|most|personally|myself|am|was|had|have|has|did|do|does|would|will"
    r"|can|could|should|must|may|might|(?:like|want|prefer|think|know|use|need|love|hate|see|say|call|mean|find|get|buy"
    r"|read|admire|expect|choose|wear|eat|play|watch|thought|knew|saw|said|meant|found|got|bought|wrote|met)(?:s|d|ed)?)\b"
)
# The "and" of Guns N' Roses and rock 'n' roll, which outputs write in both ways.
N_FOR_AND = re.compile(
    r"(?<=\w) ?['\u2019]n['\u2019] ?(?=\w)|(?<=\w) (?:['\u2019]n|n['\u2019]?) (?=\w)| and (?=\w)", re.I
)
# Words before a number that counts kinds, with more words behind it: Type I diabetes.
COUNTED = re.compile(
    r"(.*\b(?:type|phase|class|stage|grade|level|category|group|tier|generation|division|title|article|part) )"
    r"(\w+)( .+)",
    re.I,
)
# Where "first" and "second" count: behind "the" or "his", and not in "Elizabeth first met him".
ORDINAL_WORD = re.compile(r"(?P<before>.*)\b(?:first|second)", re.I | re.S)
COUNTS = re.compile(
    r"(?:\b(?:the|his|her|its|their|our|your|my|came|finish(?:ed|ing)|placed|ranked)|['\u2019]s|s['\u2019])\s+$", re.I
)
# His nineties are no decade of a century.
AGE = re.compile(r"\b(?:his|her|their|my|your|our|its)\s+(?:(?:early|mid|late)[\s-]+)?'?$", re.I)
AGES = re.compile(r"[2-9]0s|(?:twen|thir|for|fif|six|seven|eigh|nine)ties", re.I)


class Answer(NamedTuple):
    """An accepted form of an answer."""

    words: tuple[str, ...]
    soft: tuple[bool, ...] = ()  # for each word after the first: may it be written together with the word before
    exactly: str = ""  # the exact spelling that is needed, where the words alone are everyday words (US)
    capitals: bool = True  # whether capitals will do for the exact spelling
    unitless: bool = False  # whether a unit may not follow: the 5 of 5% is not that of $5
    articles: bool = False  # whether an article is one of the words (Vitamin A)
    numeral: bool = False  # whether the last word writes the number in another way. It may be an everyday word (first)


@lru_cache(maxsize=1 << 14)
def forms(answers: tuple[str, ...], asks: str = "") -> tuple[Answer, ...]:
    """Return all accepted forms of a question's answers. `asks` is what it asks for: title, person, place or "".

    Titles of works have no plural. People are also named without their middle names: Zachary Quinto for Zachary John
    Quinto. Places are also named without what they lie in: Hamburg for Hamburg, Germany, if no other place follows.
    """
    dated = any(DATE.fullmatch(canonical(answer)) for answer in answers)
    asked = _Asked(asks, len(answers) == 1, dated)
    found = (form for answer in answers for form in (*_as_words(answer, asked), *_as_written(answer, asked)))
    return tuple(dict.fromkeys(found))


TITLE, PERSON, PLACE = "title", "person", "place"


class _Asked(NamedTuple):
    """What decides which forms of an answer count."""

    kind: str  # title, person, place or ""
    alone: bool  # it is the only answer
    dated: bool  # an answer is a date with its day


DATE = re.compile(rf"(?:{MONTHS}) \d{{1,2}},? \d{{4}}", re.I)


def _as_words(answer: str, asked: _Asked) -> Iterator[Answer]:
    """Yield the forms whose words count, however they are spelled."""
    # Of a title, each word counts: On the Road, Kingdom of Heaven.
    variants = [*_variants(answer), *([] if asked.kind == TITLE else _shorter(answer))]
    for variant in variants:
        words = normalized(variant)
        if words and not all(word in STOP or _is_letter(word) for word in words):
            yield answer_form(variant)._replace(numeral=BARE_ORDINAL.fullmatch(variant) is not None)
        elif asked.alone or not variant.islower():  # an alias such as "no" for Norway would match every denial
            yield Answer(words, exactly=canonical(variant).strip())
    for numeral_form in (form for variant in variants for form in _numerals(variant)):
        yield answer_form(numeral_form)._replace(numeral=True)
    if asked.kind == PERSON and (name := LONG_NAME.fullmatch(canonical(answer))):
        yield answer_form(f"{name[1]} {name[2]}")
    if SIGN.search(answer) and (amount := AMOUNT.fullmatch(canonical(answer))):
        yield answer_form(amount[1])._replace(unitless=True)


def _as_written(answer: str, asked: _Asked) -> Iterator[Answer]:
    """Yield the forms that need their spelling: as words, they would be others (Portland or Seattle, 3 m)."""
    common_noun = asked.kind != TITLE and re.fullmatch(r"[A-Z][a-z]{2,}", answer) and answer.lower() not in NAMES
    nouns = _plurals(answer.lower()) if common_noun else []
    short = map(canonical, (*_in_state(answer), *_with_letter(answer)))
    yield from (Answer((), exactly=written, capitals=False) for written in (*nouns, *short))
    if asked.kind == PERSON and (name := SHORT_NAME.fullmatch(canonical(answer))):
        yield Answer((), exactly=f"{name[1]} {ANY_NAME} {name[2]}")
    if asked.kind == PLACE and (place := IN_REGION.fullmatch(answer)):
        yield Answer((), exactly=f"{canonical(place[1])}{ALONE}")
    months = _months(answer, with_days=not asked.dated)
    yield from (Answer((), exactly=written) for written in (*months, *_full_names(answer)))


ANY_NAME = "\1"  # stands in an exact spelling for the letters that an initial leaves out
INITIALS = re.compile(
    r"(?P<first>(?:[A-Z][\w'-]+ )*)(?P<initials>(?:[A-Z]\. ?)+)(?P<last>[A-Z][\w'-]+(?:,? (?:Jr|Sr|I{2,3})\.?)?)"
)


def _full_names(answer: str) -> Iterator[str]:
    """Yield the name with a name for each initial: John Fitzgerald Kennedy for John F. Kennedy.

    An initial alone before a surname (J. Smith) may be anybody's.
    """
    name = INITIALS.fullmatch(canonical(answer))
    if name and (name["first"] or name["initials"].count(".") > 1):
        full = re.sub(r"([A-Z])\. ?", rf"\1{ANY_NAME} ", name["initials"])
        yield f"{name['first']}{full}{name['last']}"


ALONE = "\3"  # at the end of an exact spelling: no other place follows
ANY_DAY = "\2"  # stands in an exact spelling for the day that a month's name leaves out


def _months(answer: str, with_days: bool) -> Iterator[str]:
    """Yield a month in digits: 3/1990 and 03/1990 for March 1990. `with_days` adds any of its days: March 30, 1990."""
    if found := re.fullmatch(rf"({MONTHS}),? (\d{{4}})", canonical(answer), re.I):
        month = MONTHS.split("|").index(found[1].lower()) + 1
        yield from (f"{month}/{found[2]}", f"{month:02}/{found[2]}")
        if with_days:
            yield f"{found[1].capitalize()}{ANY_DAY} {found[2]}"


# A number with a sign for its unit, in canonical spelling. The number alone will do, with its scale.
SIGN = re.compile(r"[$\u20ac\u00a3%]")
AMOUNT = re.compile(r"([\d.,]+(?: (?i:million|billion|trillion))?) (?:dollars|euros|pounds|lb|percent)")
SCALE_BEHIND = re.compile(r"[ -]?(?i:hundred|thousand|million|billion|trillion)\b| k\b")
UNIT_BEHIND = re.compile(r"\s*(?:\w+\s+)?(?:percent|dollars|euros|pounds|yen|degrees)\b", re.I)  # 5 Canadian dollars


def answer_form(text: str) -> Answer:
    """Return the words of an answer, as `mentions` finds them."""
    text = canonical(text)
    words = words_of(text)
    if re.search(r"\w\W+A\b(?!')", text) and not text.isupper():  # a letter, not an article
        words = [word for word in words_of(text, articles=True) if word.text not in ("an", "the")]
    words = words or words_of(text, articles=True)
    articles = any(word.text in ARTICLES for word in words)
    return Answer(tuple(word.text for word in words), _soft(text, words), articles=articles)


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isascii() and word.isalpha()


def _soft(text: str, words: Sequence[Word]) -> tuple[bool, ...]:
    """Return for each word after the first whether it may be written together with the word before.

    It may where no space stands (Wal-Mart), between initials (J. K.), between a letter and a digit, and between words
    of three letters or more (Spider Man). "I ran" is not Iran.
    """
    return tuple(
        not re.search(r"\s", text[one.end : other.start])
        or (_is_letter(one.text) and _is_letter(other.text))
        or one.text[-1].isdigit() != other.text[0].isdigit()
        or (len(one.text) >= 3 and len(other.text) >= 3)
        for one, other in pairwise(words)
    )


def _variants(answer: str) -> Iterator[str]:
    """Yield the answer and its variants."""
    yield answer
    if match := re.fullmatch(
        r'(.+?)\s+["\u201c](?:the )?(.+)["\u201d]\s+(\S.*)', answer, re.I
    ):  # Eddie "The Eagle" Edwards
        yield f"{match[1]} {match[3]}"
        yield f"{match[2]} {match[3]}"
        yield f"{match[1]} {match[2]}"
    if (outside := BRACKETED.sub(" ", answer).strip()) != answer and len(outside) > 1:  # Mo (Marjorie) Mowlam
        yield outside
    if match := re.fullmatch(r"([A-Z][\w'-]+) ([A-Z])[a-z]{2,} ([A-Z][\w'-]+)", answer):  # John Fitzgerald Kennedy
        yield f"{match[1]} {match[2]}. {match[3]}"
    if match := re.fullmatch(
        r"(?:about|around|approximately|nearly|over|more than|roughly|circa|c\.)\s+(.*\d.*)", answer, re.I
    ):
        yield match[1]
    if match := re.fullmatch(r"[A-H][).:]\s*(.+)", answer):  # an option of a quiz, with its letter
        yield match[1]
    if match := re.fullmatch(r"\+ ?([\d.,]+)", answer):
        yield match[1]
    if match := re.fullmatch(r"(\$?[\d.,]+) million(| .+)", answer):
        yield f"{match[1]} mil{match[2]}"
    yield from _other_spellings(answer)


# How golds are written out: "in the 1960s", "Cher, in 1998, with the song ...", "Republic of Upper Volta".
LED_IN = re.compile(
    r"(?:(?:usually |only |early )?(?:in|on|at|by|from|during|into|onto|since|around)"
    r"|(?:In|On|By|Since)(?= (?:the )?\d))"
    r" (?:the )?([^(]*\w.*)"
)
TOLD_MORE = re.compile(r"(\S.{2,40}?), (?:who|which|whose|where|when|as|with|because|in \d{4}|in the)\b.*", re.S)
OF_STATE = re.compile(
    r"(?:the )?(?:Republic|Kingdom|Duchy|Grand Duchy|Principality|Province)"
    r" of (?!China\b|Ireland\b|Korea\b|Congo\b)((?:the )?[A-Z].+)"
)
# A person's name with middle names or initials, and one without.
LONG_NAME = re.compile(
    r"(?!The )([A-Z][a-z]+)(?: [A-Z][a-z]+| [A-Z]\.){1,3} ([A-Z][\w'-]+)(?:,? (?:Jr|Sr|I{2,3}|IV)\.?)?"
)
IN_REGION = re.compile(r"([A-Z][\w .'-]+), [A-Z][\w .,'-]+")
SHORT_NAME = re.compile(r"(?!The )([A-Z][a-z]{2,}) ([A-Z][\w'-]{2,})")
# A gold with two names: PIGEONS or DOVES. "Dead or Alive" is one.
EITHER = re.compile(r"(?![A-Z][a-z]+ or [A-Z][a-z])([^\d,]{3,}) or ([^\d,]{3,})")
TWICE = {"1": ("once", "one time"), "2": ("twice",), "one": ("once", "1 time"), "two": ("twice",)}


def _shorter(answer: str) -> Iterator[str]:
    """Yield the answer without its additions ("in 1998", "who ..."), and each of two names (PIGEONS or DOVES)."""
    for pattern in (LED_IN, TOLD_MORE, OF_STATE, EITHER):
        if match := pattern.fullmatch(answer):
            yield from (part for part in match.groups() if not STOP.issuperset(normalized(part)))


def _other_spellings(answer: str) -> Iterator[str]:
    """Yield the answer without its title, decades and wars by other names, and the other number of a noun."""
    if match := TITLED.fullmatch(answer):
        yield match[1]
    yield from TWICE.get(answer.lower(), ())
    if re.search(r"\d-[^\W\d]", answer):  # 7Eleven
        yield answer.replace("-", "")
    if match := re.fullmatch(r"(?:the )?'?([2-9]0)s", answer):
        yield from (f"19{match[1]}s", f"{number_name(int(match[1]))[:-1]}ies")
    if N_FOR_AND.search(answer):
        yield from (N_FOR_AND.sub(written, answer) for written in (" n ", " and "))
    yield from _numeric_dates(answer)
    yield from _of_places(answer)
    yield from _of_centuries(answer)
    yield from _in_thousands(answer)
    yield from _ranges(answer)
    if match := re.fullmatch(r"(?:the )?19([2-9]0)'?s", answer):
        yield from (f"{match[1]}s", f"{number_name(int(match[1]))[:-1]}ies")
    yield from (war for names in WARS if answer in names for war in names if war != answer)
    if (respelled := answer.translate(UMLAUTS)) != answer:
        yield respelled
    if match := re.fullmatch(r"(|.*\s)([a-z]{3,})", answer, re.S):  # a common noun
        yield from (match[1] + noun for noun in _singulars(match[2]) or _plurals(match[2]))


def _with_letter(answer: str) -> Iterator[str]:
    """Yield 150M for 150 million."""
    if match := re.fullmatch(r"([\d.,]+) (million|billion|trillion)(| .+)", answer):
        yield f"{match[1]}{match[2][0].upper()}{match[3]}"


def _of_places(answer: str) -> Iterator[str]:
    """Yield a country by its other names, and a place with its state in words."""
    plain = re.sub(r"^the ", "", answer, flags=re.I)
    yield from (name for names in COUNTRIES if plain in names for name in names if name != plain)
    if match := IN_STATE.fullmatch(answer):
        state = match[2].replace(".", "")
        if state in STATES:
            yield f"{match[1]}, {STATES[state]}"
        if state in CODES_OF_STATES:
            yield f"{match[1]} in {state}"


def _in_state(answer: str) -> Iterator[str]:
    """Yield a place with its state in letters: Columbus, OH."""
    if (match := IN_STATE.fullmatch(answer)) and (code := CODES_OF_STATES.get(match[2])):
        yield from (f"{match[1]}, {code}", f"{match[1]} {code}")


def _of_centuries(answer: str) -> Iterator[str]:
    """Yield "early 1900s" for "early 20th century", and the other way round."""
    in_digits = re.sub(r"[a-z-]+", lambda found: ORDINALS.get(found[0], found[0]), answer)
    if match := re.fullmatch(r"(.*?)\b(\d{1,2})(?:st|nd|rd|th)[ -]century", in_digits, re.I):
        yield f"{match[1]}{int(match[2]) - 1}00s"
    if match := re.fullmatch(r"(.*?)\b(\d{1,2})00'?s", answer):
        yield f"{match[1]}{ordinal(int(match[2]) + 1)} century"


def _in_thousands(answer: str) -> Iterator[str]:
    """Yield 5k for 5,000, but not 2k for the year 2000."""
    found = re.fullmatch(r"(\d{1,3},\d00|\d{2,3}\d00)(| \D+)", answer)
    if found:
        yield f"{int(found[1].replace(',', '')) / 1000:g}k{found[2]}"


def _numeric_dates(answer: str) -> Iterator[str]:
    """Yield a date in digits, with the day or the month first: 4/7/1776, 07/04/1776, 4.7.1776."""
    found = re.fullmatch(rf"({MONTHS}) (\d{{1,2}}),? (\d{{4}})", canonical(answer), re.I)
    if found:
        month, day, year = MONTHS.split("|").index(found[1].lower()) + 1, int(found[2]), found[3]
        for first, second, signs in ((day, month, "/.-"), (month, day, "/-")):
            for sign in signs:
                yield f"{first}{sign}{second}{sign}{year}"
                yield f"{first:02}{sign}{second:02}{sign}{year}"


def _ranges(answer: str) -> Iterator[str]:
    """Yield a range of numbers in other words: 1939-45 is "1939 to 1945" and "between 1939 and 1945"."""
    found = re.fullmatch(r"(?:from )?(\d+)\s*(?:-|\u2013|to|until)\s*(\d+)(| \D+)", answer)
    if found:
        first, last, unit = found.groups()
        last = first[:2] + last if len(first) == 4 and len(last) == 2 else last
        yield from (f"{first} {word} {last}{unit}" for word in ("to", "until", "through", "-"))
        yield f"between {first} and {last}{unit}"


def _singulars(noun: str) -> list[str]:
    """Return what the singular of a plural may be, and nothing for a singular."""
    if noun in SINGULARS:
        return [SINGULARS[noun]]
    if re.search(r"[^aeiou]ies$", noun):
        return [noun[:-3] + "y"]
    if re.search(r"(?:[sxz]|[cs]h|o)es$", noun):
        return [noun[:-2], noun[:-1]]
    return [noun[:-1]] if re.search(r"[^siu]s$", noun) else []


def _plurals(noun: str) -> list[str]:
    """Return what the plural of a singular may be, and nothing for a plural."""
    if noun in IRREGULAR:
        return [IRREGULAR[noun]]
    if _singulars(noun):
        return []
    if re.search(r"[^aeiou]y$", noun):
        return [noun[:-1] + "ies"]
    if re.search(r"(?:[sxz]|[cs]h|o)$", noun):
        return [f"{noun}es", *([f"{noun}s"] if noun[-1] == "o" else [])]
    return [f"{noun}s"]


def _numerals(answer: str) -> Iterator[str]:
    """Yield "World War 2" for "World War II", "Henry the 8th" for "Henry VIII", and the other way round."""
    if (match := COUNTED.fullmatch(answer)) and (number := numeral(match[2])):
        kinds = (roman(number), str(number), number_name(number))
        yield from (f"{match[1]}{kind}{match[3]}" for kind in kinds if kind != match[2])
    match = re.fullmatch(r"(.*[^\W\d]{2}.* )(?:the )?(\w+)", answer)
    if match and (number := numeral(match[2])) and not STOP.issuperset(normalized(match[1])):
        spellings = (roman(number), str(number), number_name(number).title(), ordinal(number))
        yield from (f"{match[1]}{spelling}" for spelling in spellings if spelling != match[2])


def mentions(text: str, answers: Sequence[Answer]) -> Iterator[tuple[int, int]]:
    """Yield start and end of each mention of an answer, as whole words, in a canonical text."""
    texts: dict[bool, _Joined] = {}
    letters = NO_LETTER.sub("", text.casefold())
    for answer in answers:
        if answer.exactly:
            yield from _exact_mentions(text, answer)
            continue
        # Dividing a text into words is slow, and most texts lack a word of the answer.
        if not all(word in letters for word in answer.words if word.isalnum() and word not in EXPANDED):
            continue
        if answer.articles not in texts:
            texts[answer.articles] = _Joined(text, answer.articles)
        for start, end in texts[answer.articles].mentions(answer):
            of_more = (answer.unitless and UNIT_BEHIND.match(text, end)) or _in_larger_number(text, start, end)
            everyday = (answer.numeral and _no_number(text, start, end)) or _is_age(text, start, end)
            if not of_more and not everyday and not _in_other_name(text, start, end):
                yield start, end


def _no_number(text: str, start: int, end: int) -> bool:
    """Return whether the last word of a mention is no number: the type I like, Elizabeth first met him, a second."""
    said = text[start:end]
    if PRONOUN.fullmatch(said):
        return WITH_PRONOUN.match(text, end) is not None
    word = ORDINAL_WORD.fullmatch(said)
    alone = not re.search(r"\w", text[:start] + text[end:])
    return word is not None and not alone and not COUNTS.search(text[:start] + word["before"])


def _is_age(text: str, start: int, end: int) -> bool:
    return AGES.fullmatch(text, start, end) is not None and AGE.search(text[:start]) is not None


def _in_larger_number(text: str, start: int, end: int) -> bool:
    """Return whether a mention is the digits of a larger number: 5 million is not 5."""
    return text[start:end][-1].isdigit() and SCALE_BEHIND.match(text, end) is not None


def _in_other_name(text: str, start: int, end: int) -> bool:
    """Return whether the word before a mention makes another name of it: New England is not England."""
    before = re.search(r"\b([A-Z]\w+) $", text[max(0, start - 12) : start])
    if before is None or not text[start].isupper() or before[1].lower() not in OTHER_NAME:
        return False
    return text[start:end].lower() in OTHER_NAME[before[1].lower()]


def outermost(places: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the places that lie in no other: what is said of "Newton fractal" is not said of Newton."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(set(places), key=lambda place: (place[0], -place[1])):
        if not found or end > found[-1][1]:
            found.append((start, end))
    return found


class _Joined:
    """The words of a text as one string without spaces, so that JK, J.K. and J. K. are equal."""

    def __init__(self, text: str, articles: bool) -> None:
        words = words_of(text, articles)
        self._words = [word for word in words if word.text not in ("an", "the")] if articles else words
        self._soft = _soft(text, self._words)
        self._string, offsets = _join([word.text for word in self._words])
        self._starts = {offset: number for number, offset in enumerate(offsets)}
        self._ends = {
            offset + len(word.text): number
            for number, (offset, word) in enumerate(zip(offsets, self._words, strict=True))
        }

    def mentions(self, answer: Answer) -> Iterator[tuple[int, int]]:
        wanted, offsets = _join(answer.words)
        place = self._string.find(wanted) if wanted else -1
        while place >= 0:
            first, last = self._starts.get(place), self._ends.get(place + len(wanted))
            if first is not None and last is not None and self._same(first, last, answer, offsets):
                yield self._words[first].start, self._words[last].end
            place = self._string.find(wanted, place + 1)

    def _same(self, first: int, last: int, answer: Answer, offsets: Sequence[int]) -> bool:
        """Return whether text and answer divide the words alike, or differently only where that is allowed."""
        if tuple(word.text for word in self._words[first : last + 1]) == answer.words:
            return True
        ours, place = {}, 0
        for number in range(first, last):
            place += len(self._words[number].text)
            ours[place] = self._soft[number]
        theirs = dict(zip(offsets[1:], answer.soft or (False,) * len(answer.words), strict=False))
        return all((ours | theirs)[place] for place in ours.keys() ^ theirs.keys())


def _join(words: Sequence[str]) -> tuple[str, list[int]]:
    """Return the words as one string, and where each begins. A space stays between two digits."""
    parts: list[str] = []
    offsets, length = [], 0
    for word in words:
        if parts and parts[-1][-1].isdigit() and word[0].isdigit():
            parts.append(" ")
            length += 1
        offsets.append(length)
        parts.append(word)
        length += len(word)
    return "".join(parts), offsets


def _exact_mentions(text: str, answer: Answer) -> Iterator[tuple[int, int]]:
    """Yield mentions in the answer's spelling, or in capitals. A capital that begins a sentence says nothing."""
    for match in _exact_pattern(answer.exactly, answer.capitals).finditer(text):
        alone = not re.match(r"\W*\w", text[match.end() :])
        begins = not re.search(r"\w[^.!?\n]*$", text[: match.start()])
        everyday = match[0].lower() in STOP and (match[0].istitle() or text.isupper())
        if alone or not begins or not everyday:
            yield match.span()


NO_PLACE = r"(?!\w|,? (?-i:[A-Z]))"


@lru_cache(maxsize=1 << 12)
def _exact_pattern(exactly: str, capitals: bool) -> re.Pattern[str]:
    def spelled(written: str) -> str:
        letters = re.sub(r"(?<=\b[A-Z])\.?(?=[A-Z]\b)|(?<=\b[A-Z])\. ?(?=[A-Z]\b)", "\0", written.rstrip("."))
        if re.fullmatch(r"[A-Z]{2,3}", letters):
            letters = "\0".join(letters)
        escaped = re.escape(letters).replace(r"\ ", r"\s+").replace("\0", r"\.? ?")
        return escaped.replace(ANY_NAME, r"(?:\.|[\w'-]*)").replace(ANY_DAY, r" \d{1,2},?").replace(ALONE, NO_PLACE)

    before = r"(?<![\w+/-])" if exactly[:1].isdigit() else r"(?<!\w)"
    dotted = (
        r"(?i:" + r"\.\ ?".join(re.sub(r"\W", "", exactly)) + r"\.)"
        if re.fullmatch(r"(?:[A-Z]\.? ?){2,4}", exactly)
        else ""
    )
    quoted = rf"(?<=[\"\u201c]){spelled(exactly.lower())}(?=[.,]?[\"\u201d])"  # the second word is "of"
    written = [*map(spelled, sorted({exactly, exactly.upper()})), quoted] if capitals else [spelled(exactly)]
    spellings = "|".join(filter(None, [dotted, *written]))
    return re.compile(rf"{before}(?:{spellings})(?!\w|\+\+|#)")
