"""Which passages can be source documents, and which of them belong together."""

import re

from rag_instruct.corpus.mentions import Mention, article_name
from rag_instruct.corpus.passages import Passage
from rag_instruct.corpus.splitter import word_spans
from rag_instruct.schema import Link

# Pages that only list the subjects of a title: "Mercury may refer to:". Their title or their first words tell.
LISTS_SUBJECTS = re.compile(
    r"\b(may|can|could|might)( also| either)? (refer|mean|stand)\b|\brefers? to( one of)?( the following)?:"
    r"|\bsteht für:|\bbezeichnet:|\bpeut( aussi)? (désigner|faire référence)|\bpuede (referirse|hacer referencia)"
    r"|\bpuò riferirsi|\bpode (referir|significar)|\bможет (означать|относиться)|可(以|能)?指|を指す。?$",
    re.I,
)
QUALIFIED_AS_LIST = re.compile(
    r"\((disambiguation|Begriffsklärung|homonymie|desambiguación|disambigua|desambiguação|значения|曖昧さ回避|消歧义)\)$"
)
OPENING = 250  # characters in which such a page says so


def lists_subjects(passage: Passage) -> bool:
    """Say whether the passage only lists subjects of the same name, as a disambiguation page does."""
    return bool(QUALIFIED_AS_LIST.search(passage.title) or LISTS_SUBJECTS.search(passage.text[:OPENING]))


def can_be_source(passage: Passage, least_words: int) -> bool:
    """Say whether a teacher can write from the passage: it has enough words and does not only list subjects."""
    return not lists_subjects(passage) and len(word_spans(passage.text)) >= least_words


def article(passage: Passage) -> str:
    """Return a key that all passages of an article have in common."""
    name = article_name(passage.title)
    return name.folded if name else passage.title


def link(one: Passage, other: Passage) -> Link | None:
    """Return the link between two passages of different articles: one of them names the other's article.

    A link is of the kind "name" if the mention is sure, and "term" if it may be an ordinary word.
    """
    if article(one) == article(other):
        return None
    ours, theirs = article_name(one.title), article_name(other.title)
    there = theirs and theirs.mention(one.text, ours)
    back = ours and ours.mention(other.text, theirs)
    if there and (there.sure or not (back and back.sure)):
        return _link(one, other, there)
    return _link(other, one, back) if back else None


def is_about_its_article(passage: Passage) -> bool:
    """Say whether the passage begins with its article's subject. A passage about a detail is linked by chance only."""
    name = article_name(passage.title)
    return name is not None and name.begins(passage.text)


def _link(naming: Passage, named: Passage, mention: Mention) -> Link:
    return Link("name" if mention.sure else "term", naming.id, named.id, mention.words)
