"""Which passages can be source documents, and which of them belong together."""

import re

from rag_instruct.corpus.mentions import FILE_NAME, ArticleName, Mention, article_name, is_numbered
from rag_instruct.corpus.passages import Passage
from rag_instruct.corpus.splitter import word_spans
from rag_instruct.schema import Link

# Pages that only list the subjects of a title: "Mercury may refer to:". Their title or their first words tell.
LISTS_SUBJECTS = re.compile(
    r"\b(may|can|could|might)( also| either)? (refer( also| either)? to|mean|stand for)\b"
    r"|\brefers? to( one of)?( the following)?:"
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
    """Return a key of the passage's article. Passages that give the same name have the same key.

    A passage without a title is an article of its own.
    """
    name = name_of(passage.title, passage.text)
    return name.folded if name else passage.title or passage.id


def name_of(title: str, text: str) -> ArticleName | None:
    """Return the name of the article to which a text with this title belongs, or None if the title tells none.

    Texts called Kenya_1 and Kenya_2 belong to Kenya if they name Kenya. para_1 and para_2 belong to no article.
    """
    name = article_name(title)
    if name and is_numbered(title) and (FILE_NAME.match(" ".join(name.words)) or not name.is_in(text)):
        return None
    return name


def link(one: Passage, other: Passage) -> Link | None:
    """Return the link between two passages of different articles: one of them names the other's article.

    A link is of the kind "name" if the mention is sure, and "term" if it may be an ordinary word.
    """
    if article(one) == article(other) or _same_name(one, other):
        return None
    ours, theirs = name_of(one.title, one.text), name_of(other.title, other.text)
    other_in_one = theirs and theirs.mention(one.text, ours)
    one_in_other = ours and ours.mention(other.text, theirs)
    # If each names the other, the sure mention counts; if both are sure, or neither, that of `other` in `one`.
    if one_in_other and (not other_in_one or (one_in_other.sure and not other_in_one.sure)):
        return _link(other, one, one_in_other)
    return _link(one, other, other_in_one) if other_in_one else None


def _same_name(one: Passage, other: Passage) -> bool:
    """Say whether two titles have the same name. Kenya_2 has that of Kenya, even if its text does not name Kenya."""
    ours, theirs = article_name(one.title), article_name(other.title)
    return bool(ours and theirs and ours.folded == theirs.folded)


def is_about_its_article(passage: Passage) -> bool:
    """Say whether the passage begins with its article's subject.

    Other passages are about details of the article. A link to one of these is often chance.
    """
    name = article_name(passage.title)
    return name is not None and name.begins(passage.text)


def _link(naming: Passage, named: Passage, mention: Mention) -> Link:
    return Link("name" if mention.sure else "term", naming.id, named.id, mention.words)
