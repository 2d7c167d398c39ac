"""Find words, names, numbers and sentences, which the filters compare."""

import re
import unicodedata
from functools import lru_cache

import snowballstemmer

STOPWORDS = """
a an the and or but nor of in on at by for from to into onto with without within as is are was were be been being
am do does did done has have had can could will would shall should may might must not no yes than then that this
these those it its he him his she her hers they them their theirs we us our you your i me my who whom whose which
what when where why how there here also so such too very more most much many some any all each every either both
one ones other others another same own only just about over under between through during before after above below
out off up down again further once if because while until whether name state describe explain identify list give
say tell compare true false correct correctly following options option year
"""
STEMMER = snowballstemmer.stemmer("english")
STOP = frozenset(STOPWORDS.split())
OPTION = re.compile(r"^\(?([A-H])[.):]\s*(.+)$", re.M)


def fold(text: str) -> str:
    """Return text without case, accents, punctuation and extra spaces. Two questions are the same if this is equal."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(c if c.isalnum() else " " for c in letters if not unicodedata.combining(c)).split())


def sentences(text: str) -> list[str]:
    """Split at the end of sentences before a capital or a quote, but not after an initial, St., Dr. or Mt."""
    return re.split(r"(?<!\b[A-Z]\.)(?<!\bSt\.)(?<!\bDr\.)(?<!\bMt\.)(?<=[.!?]) +(?=[A-Z\"])", text.strip())


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return the word's root, so that "rises" matches "rise" and "founded" matches "founding"."""
    root: str = STEMMER.stemWord(re.sub(r"['\u2019]s?$", "", word.lower()))
    return root


def content(text: str) -> set[str]:
    """Return the words that carry meaning, as roots."""
    return {stem(word) for word in re.findall(r"[\w][\w'\u2019.,-]*\w|\w", text) if word.lower() not in STOP}


def marks(text: str) -> set[str]:
    """Return the numbers, and the names inside sentences. In an answer, these are either right or wrong."""
    names = re.findall(r"(?<=[\w,;] )[A-Z][\w'\u2019-]+", text)
    return {stem(name) for name in names if name.lower() not in STOP} | set(re.findall(r"\d[\d.,]*\d|\d", text))


def share(part: set[str], whole: set[str]) -> float:
    return len(part & whole) / len(part) if part else 1.0


def stem_of(question: str) -> str:
    """Return the question without its options."""
    return OPTION.split(question, maxsplit=1)[0].strip()


def options_of(question: str) -> dict[str, str]:
    return {letter: text.strip() for letter, text in OPTION.findall(question)}


def substance(answer: str) -> str:
    """Return the answer without the letter, yes, no, true or false at its beginning."""
    return re.sub(r"^(\(?[A-H][.):] |(yes|no|true|false)\b[,.:;]? ?)", "", answer.strip(), flags=re.I)
