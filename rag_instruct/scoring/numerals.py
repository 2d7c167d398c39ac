"""Write numbers and ordinals in digits: "twenty-one" is 21, "the twenty-fifth of December" the 25th."""

import re

ONES = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SCALES = {"thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}
FIRST = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]


def ordinal(number: int) -> str:
    """Return 1st for 1."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def number_name(number: int) -> str:
    """Return the English name of a number from 0 to 99."""
    if number < 20:
        return ["zero", *ONES, *TEENS][number]
    tens, ones = divmod(number, 10)
    return TENS[tens - 2] + (f"-{ONES[ones - 1]}" if ones else "")


NUMBER_NAMES = {number_name(number): number for number in range(100)}
# The names of ordinals of one word, such as "eighth" and "twentieth".
ORDINALS = {
    **{name: ordinal(number) for number, name in enumerate(FIRST, start=1)},
    **{f"{name}th".replace("twelveth", "twelfth"): ordinal(number) for number, name in enumerate(TEENS, start=10)},
    **{f"{name[:-1]}ieth": ordinal(10 * number) for number, name in enumerate(TENS, start=2)},
}

# "One" alone is a pronoun, so it is a number only inside of another.
_ONES, _TENS = "|".join(ONES), "|".join(TENS)
_ALONE = "|".join(["zero", *ONES[1:], *TEENS])
_SMALL = rf"(?:(?:{_TENS})(?:[ -](?:{_ONES}))?|{_ALONE}|one(?= (?:hundred|{'|'.join(SCALES)})))"
_REST = rf"(?:{_SMALL}|one)"
_HUNDREDS = rf"(?:(?:a|{_SMALL}) hundred(?: (?:and )?{_REST})?)"
_THOUSANDS = rf"(?:(?:a|{_HUNDREDS}|{_SMALL}) thousand(?:,? (?:and )?(?:{_HUNDREDS}|{_REST}))?)"
_LARGE = rf"(?:(?:a|{_HUNDREDS}|{_SMALL}) (?:million|billion|trillion))"
IN_WORDS = re.compile(rf"\b(?:{_LARGE}|{_THOUSANDS}|{_HUNDREDS}|{_SMALL})\b(?!-\w*(?:st|nd|rd|th)\b)", re.I)
COMPOUND_ORDINAL = re.compile(rf"\b({_TENS})[ -]({'|'.join(FIRST)})\b", re.I)
MILLIONS = re.compile(r"(?<![\w.])[1-9]\d{6,14}(?![\w.]|\.\d)")
ROMAN_DIGITS = (("L", 50), ("XL", 40), ("X", 10), ("IX", 9), ("V", 5), ("IV", 4), ("I", 1))


def in_digits(text: str) -> str:
    """Return the text with its numbers in digits, except one alone, and whole millions in millions."""
    text = COMPOUND_ORDINAL.sub(
        lambda found: ordinal(_value(f"{found[1]} {ONES[FIRST.index(found[2].lower())]}")), text
    )
    text = IN_WORDS.sub(_written, text)
    return MILLIONS.sub(lambda found: _in_millions(int(found[0])), text)


def _written(found: re.Match[str]) -> str:
    words, _, last = found[0].rpartition(" ")
    if last.lower() in ("million", "billion", "trillion"):
        return f"{_value(words)} {last}"
    return str(_value(found[0]))


def _value(words: str) -> int:
    total = part = 0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word == "hundred":
            part *= 100
        elif word in SCALES:
            total, part = total + part * SCALES[word], 0
        elif word != "and":
            part += 1 if word == "a" else NUMBER_NAMES[word]
    return total + part


def _in_millions(number: int) -> str:
    scale, name = (10**9, "billion") if number >= 10**9 else (10**6, "million")
    return f"{number / scale:.15g} {name}" if number % (scale // 100) == 0 else str(number)


def roman(number: int) -> str:
    """Return a number from 1 to 50 in Roman digits."""
    found = ""
    for digit, value in ROMAN_DIGITS:
        while number >= value:
            found, number = found + digit, number - value
    return found


ROMANS = {roman(number): number for number in range(1, 51)}


def numeral(word: str) -> int | None:
    """Return the number from 1 to 50 that a word writes: Roman digits, other digits, a name, or an ordinal."""
    plain = word.lower()
    digits = re.sub(r"(?<=\d)(?:st|nd|rd|th)$", "", ORDINALS.get(plain, plain))
    found = ROMANS.get(word) or NUMBER_NAMES.get(plain) or (int(digits) if re.fullmatch(r"\d{1,2}", digits) else 0)
    return found if 1 <= found <= 50 else None
