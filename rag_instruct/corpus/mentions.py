"""Find out whether a text names an article, and tell a real mention of its title from a word that is there by chance.

A title is a name ("Ingmar Bergman") or a term ("Immune system"), and may have a qualifier ("Panda (song)"). Many titles
are also ordinary words. So the case of the letters, the words beside the mention and the qualifier decide.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

from rag_instruct.words import STOP, WITHOUT_SPACES, fold, stem

QUALIFIER = re.compile("\\s*[(\uff08]([^()\uff08\uff09]+)[)\uff09]\\s*$")  # also full-width parentheses
PART = re.compile(r"[_-]+\d+$")  # the number of a part in a file's name, such as Kenya_1
NAME_WITH_NUMBER = re.compile(r"[^\W\d_][^_]*-[1-9]\d*")  # if it begins with a capital: Carbon-14, SARS-CoV-2
# What people call their files: para_017 names no article.
FILE_NAME = re.compile(
    r"(my|the|new)?[ _-]*(p|para\w*|page|part|section|sec|chapter|ch|doc\w*|file|te?xt|notes?|passage|item|entry|"
    r"record|sample|example|untitled|scan|img|article|chunk|snippet|output|export|data|draft|wiki\w*|number|no|row|id)$",
    re.I,
)
# Nobody means these pages when a text has the words of their title.
LISTING = re.compile(r"(lists?|index|outline|timeline|deaths|births) (of|in) |\d{1,4}s?( bc)?( in |$)", re.I)
JOINING = frozenset({"of", "de", "da", "do", "del", "della", "di", "du", "van", "von", "der"})  # inside names
FIRST_CHARACTERS = 100  # of a text, in which it says what it is about
ROOT = 6  # letters of a word that are compared
# The start of a sentence or a line, perhaps with quotes, brackets or a list's mark: a capital says nothing there.
BEGINNING = re.compile(
    r"(^|[.!?:;\u2026\u3002\uff01\uff1f\uff1a\uff1b\n])[\s\"'\u2018\u2019\u201c-\u201e\u00ab\u00bb()\[\]*\u2022-]*$"
)
# Words that make another name of a name: "Holy Roman Empire".
EXTENDING = frozenset({"Holy", "Democratic", "New", "Old", "North", "South", "East", "West", "Northern", "Southern"})
LEAST_LETTERS = 3  # of a name; 2 in a script without capitals, where a letter may be a syllable or a word
KATAKANA = r"\u30a1-\u30fa\u30fc"
INFLECTED = re.compile(r"[\u0370-\u03ff\u0400-\u04ff]{4,}$")  # Greek and Cyrillic words, whose ends change with case


@dataclass(frozen=True)
class Mention:
    """The words of a text that name an article. A mention that is not `sure` may be an ordinary word."""

    words: str
    sure: bool


@dataclass(frozen=True)
class ArticleName:
    """The name of an article: its title without the qualifier in parentheses, which tells equal names apart."""

    words: tuple[str, ...]
    qualifier: str

    @cached_property
    def folded(self) -> str:
        """The name without case, accents and punctuation. Two titles with the same one are of one article."""
        return fold(" ".join(self.words))

    def is_in(self, text: str) -> bool:
        """Say whether a text has the name's last word."""
        begin = "" if WITHOUT_SPACES.match(self.words[-1]) else r"\b"
        return bool(re.search(begin + re.escape(self.words[-1]), text, re.I))

    def begins(self, text: str) -> bool:
        """Say whether a text has the name's last word in its first words, as a text about the article's subject has."""
        return self.words[-1].lower() in text[:FIRST_CHARACTERS].lower()

    def mention(self, text: str, own: "ArticleName | None" = None) -> Mention | None:
        """Return the surest mention of the article in a text, or None.

        `own` is the name of the article that has the text. Words of this name do not count: where a text about the
        Prime number theorem says "Prime number theorem", it does not name Prime number.
        """
        if own and self.folded in own.folded:
            text = re.sub(r"[\s_-]+".join(map(re.escape, own.words)), "…", text, flags=re.I)
        if not self._pattern or not self._may_be_in(text):
            return None
        found = [self._judged(match[0], text[: match.start()], text[match.end() :], text)
                 for match in self._pattern.finditer(text)]  # fmt: skip
        return max((one for one in found if one), key=lambda one: one.sure, default=None)

    def _may_be_in(self, text: str) -> bool:
        """Say whether a text has letters 2 and 3 of the name. This rules out most texts faster than the pattern."""
        return self.words[0][1:LEAST_LETTERS].lower() in text.lower()  # endings do not change these letters

    @cached_property
    def _cased(self) -> bool:
        return any(character.isupper() or character.islower() for character in "".join(self.words))

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        """The pattern of the name in a text. None if these words would not name the article."""
        name = " ".join(self.words)
        least = LEAST_LETTERS if self._cased else LEAST_LETTERS - 1
        if sum(map(str.isalpha, name)) < least or LISTING.match(name):
            return None
        words = [_inflected(word) for word in self.words]
        # The first letter may be small or a capital. A small word keeps it: "in time" does not name "In Time".
        if name[0].isalpha() and self._cased and (self.words[0] == "The" or self.words[0].lower() not in STOP):
            words[0] = f"[{name[0].upper()}{name[0].lower()}]{words[0][1:]}"
        plural = "(?:e?s)?" if re.search("[a-z]$", name) else ""
        ignoring_case = re.I if name in (name.lower(), name.upper()) and len(name) > LEAST_LETTERS else 0
        return re.compile(_bounded(r"[\s_-]+".join(words) + plural, name), ignoring_case)

    def _judged(self, found: str, before: str, after: str, text: str) -> Mention | None:
        """Return a mention, or None for words that are part of another name."""
        if not self._cased:
            return Mention(found, len(self.words) > 1 or len(found) >= LEAST_LETTERS)
        if _goes_on(after) or _inside_a_name(before, alone=len(self.words) == 1):
            return None
        if len(self.words) == 1 and self.qualifier and not found[0].isupper():
            return None
        if self.qualifier:
            return Mention(found, True) if self._explained(text) else None
        return Mention(found, len(self.words) > 1 or (found[0].isupper() and not BEGINNING.search(before)))

    def _explained(self, text: str) -> bool:
        """Say whether a text tells which of several equal names it means: "directed by Henry King" means the director.

        It has a word of the qualifier, and all names and numbers in it: Hell (2011 film) needs 2011.
        """
        names = {word for word in re.findall(r"\w+", self.qualifier) if word[0].isupper() or word[0].isdigit()}
        return bool(_roots(self.qualifier) & _roots(text)) and names <= set(re.findall(r"\w+", text))


def _bounded(pattern: str, name: str) -> str:
    """Return the pattern of a name as whole words.

    Scripts without blanks do not show where a word ends. Only katakana does: a name may not be a part of a longer run.
    """
    if WITHOUT_SPACES.search(name):
        ends = [f"(?{side}[{KATAKANA}])" if re.match(f"[{KATAKANA}]", letter) else ""
                for side, letter in (("<!", name[0]), ("!", name[-1]))]  # fmt: skip
        return ends[0] + pattern + ends[1]
    after = r"(?!-?\w)" if any(character.lower() != character.upper() for character in name) else ""
    return rf"(?<![\w-]){pattern}{after}"


def _inflected(word: str) -> str:
    if INFLECTED.match(word):
        return re.escape(re.sub(r"[аеёиоуыэюяйьαεηιουωάέήίόύώς]$", "", word)) + r"\w{0,3}"
    return re.escape(word)


def _inside_a_name(before: str, alone: bool) -> bool:
    """Say whether a name begins before: "Ed Mooney" is not Mooney, "Treaty of Amsterdam" is not Amsterdam.

    A name of several words (not `alone`) may follow a title, as in "President Abraham Lincoln". So few words extend it.
    """
    words = before.split(" ")
    if len(words) < 2 or words[-1]:  # no blank before
        return False
    if not alone:
        return words[-2] in EXTENDING
    if len(words) > 2 and words[-2] in JOINING:
        return words[-3][:1].isupper()
    return words[-2][:1].isupper() and words[-2][-1].isalnum() and words[-2].lower() not in STOP


def _goes_on(after: str) -> bool:
    """Say whether a name goes on here: "New York Times" is not New York, "Santiago de Compostela" not Santiago."""
    words = after.split(" ", 3)[1:3] if after.startswith(" ") else []
    following = words[1:] if words and words[0] in JOINING - {"of"} else words[:1]
    return any(word[:1].isupper() for word in following)


def _roots(text: str) -> set[str]:
    """Return the beginnings of the words that carry meaning: "directed" and "director" have the same."""
    return {stem(word)[:ROOT] for word in re.findall(r"\w+", text) if word.lower() not in STOP}


def is_numbered(title: str) -> bool:
    """Say whether a title is the name of a file with a number: a part of an article, or one of many files.

    Such a name is Kenya_1, kenya-1, Kenya-01 or Page-1, but not Carbon-14.
    """
    if " " in title.strip() or not PART.search(title):
        return False
    is_name = title[0].isupper() and NAME_WITH_NUMBER.fullmatch(title) and not FILE_NAME.match(PART.sub("", title))
    return not is_name


@lru_cache(maxsize=1 << 16)
def article_name(title: str) -> ArticleName | None:
    """Return the name that a title gives its article, or None for a title without letters."""
    found = QUALIFIER.search(title)
    name, qualifier = (title[: found.start()], found[1]) if found else (title, "")
    numbered = is_numbered(name)
    if numbered or (" " not in name.strip() and re.search("_|-.*-", name)):  # the name of a file
        name = re.sub(r"[_-]+", " ", PART.sub("", name) if numbered else name)
    words = tuple(name.split())
    return ArticleName(words, qualifier) if any(map(str.isalpha, name)) else None
