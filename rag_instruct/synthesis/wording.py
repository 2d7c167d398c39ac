"""Recognises refusals, mentions of documents that the reader has not seen, and pronouns that stand for nothing."""

import re
from collections.abc import Iterator

from rag_instruct.synthesis.other_languages import MENTIONS, NOUN, REFUSALS, points_elsewhere
from rag_instruct.words import STOP, straight

TEXTS = r"(?:passage|document|text|article|excerpt|context|source|paragraph|snippet|extract)s?"
THE = r"(?:the|(?:this|that)(?! context)|these|those|your|any)"  # "in this context" is idiom
GIVEN = r"(?:given|provided|above|following|preceding|present|supplied|retrieved|attached|reference)"
INFORMATION = rf"(?:{TEXTS}|information|data)"


def _any(*patterns: str) -> re.Pattern[str]:
    """Return a pattern that matches any of the patterns, in any case."""
    return re.compile("|".join(patterns), re.I)


# Not before another noun, as in "the data subject" or "the text box"
ALONE = rf"(?! (?!(?:{'|'.join(sorted(STOP))}|{GIVEN}|alone|itself|so|\w+ed|\w+ly)\b)[a-z]+\b)"
# In the first sentence, unless it greets somebody, as a letter does: "Unfortunately, I cannot answer".
FIRST = r"^(?!\W*(?:my )?(?:dear|hi|hello|hey)\b)[^.!?\n\"\u201c]{0,100}?"
# "We cannot determine both at once" may be a fact, but not at the beginning or behind "From the documents, ".
OF_TEXTS = r"^\W*(?:(?:unfortunately|sorry|(?:based on|from|given|without|with)\b[^,.!?]*), )?"
# Verbs such as "tell" are missing, because people in stories say them.
DECLINED = r"(?:answer|provide|help|assist|complete|fulfil\w*|comply|write|create|generate|determine)"
UNABLE = r"(?:can ?not|can't|could not|couldn't|am unable to|am not able to|are unable to|won't)"
SHORTCOMING = (
    r"(?:\W*$|[^\n]{0,120}?(?:\b(?:not|no|none|nothing|cannot|unable|beyond|outside|without|lack\w*)\b|n't\b))"
)
KNOWLEDGE = r"(?:information|context|details?|knowledge)"
STATE = r"(?:contain|provide|mention|include|state|specify|say|give|answer|address|cover)"
REFUSAL = _any(
    rf"(?:{FIRST}\bi|{OF_TEXTS}we) {UNABLE} (?:\w+ ){{0,2}}{DECLINED}\b",
    rf"\bi {UNABLE} (?:\w+ ){{0,2}}(?:answer|(?:help|assist)(?: you)? with) (?:this|that|your)\b",
    # An apology, alone or for what cannot be done. "Apologies for the delay, it is on its way" refuses nothing.
    rf"^\W*(?:i(?:'m| am) (?:sorry|afraid)(?=[.,!]| (?:but|that|i|we|this|there)\b)|(?:my )?apologies\b){SHORTCOMING}",
    rf"^\W*i(?:'m| am) unable to (?:\w+ ){{0,2}}{DECLINED}\b",
    # An assistant that speaks of itself: "Siri began as an AI assistant" refuses nothing.
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b[^.!?\n]{0,60}?\b(?:i|we|my|me)\b",
    r"^\W*as an ai language model\b",
    r"\bals (?:ki|künstliche intelligenz)\b[^.!?\n]{0,60}?\b(?:ich|mir|mich|meine?)\b",
    r"\ben tant qu.(?:ia|intelligence)\b[^.!?\n]{0,60}?\b(?:je|j'|me|mes|ma|mon)\b",
    r"\bcomo (?:una? )?(?:ia|inteligencia)\b[^.!?\n]{0,60}?\b(?:no puedo|no tengo|yo|me|mis?)\b",
    r"作为一?[个款]?(?:ai|人工智能)[^。\n]{0,20}?(?:我|无法|不能)",
    # In other languages: an apology with its "cannot", and documents that do not tell.
    r"^\W*(?:es )?tut mir leid,? (?:aber )?(?:ich|diese|das|dazu) (?:\w+ ){0,4}?(?:kann|darf|nicht)\b",
    r"\bich kann (?:diese|die|ihre|deine) (?:frage|bitte|anfrage) (?:leider )?nicht\b",
    r"^\W*(?:je suis )?désolée?,? (?:mais )?(?:je (?:ne|n')) ?(?:peux|suis|dispose|sais)\b",
    r"^\W*lo siento,? (?:pero )?no (?:puedo|tengo|dispongo)\b",
    r"^\W*(?:mi )?(?:dispiace|desculpe|sinto muito|lamento),? (?:ma |mas )?n(?:on|ão) (?:posso|sono|tenho|ho)\b",
    r"^\W*извините,? (?:но )?я не (?:могу|знаю)",
    "^\\W*(?:很?抱歉|对不起|對不起)[,，。 ]*我?(?:无法|無法|不能)",  # noqa: RUF001
    "^\\W*(?:申し訳|すみません)[^。]*(?:できません|かねます)",
    "^\\W*죄송[^.]*(?:할 수 없|드릴 수 없)",
    "^\\W*(?:عذرا|عذرًا|آسف|أعتذر)[،, ]*(?:و?لكن )?لا (?:أستطيع|يمكنني)",
    "^\\W*(?:क्षमा|माफ)[^।]*(?:नहीं|असमर्थ)",
    r"\b(?:der text|das dokument|der artikel) (?:enthält|nennt|erwähnt) (?:dazu |darüber )?(?:keine|nicht)\b",
    r"\b(?:le texte|le document|l'article) ne (?:mentionne|précise|contient|dit) pas\b",
    *REFUSALS,
    rf"\b{INFORMATION}(?: \w+){{0,2}} (?:do|does)(?: not|n't) (?:\w+ )?{STATE}\b",
    rf"\b(?:not|no)(?: \w+)? (?:{STATE}\w*|given|available|information)(?: \w+)? (?:in|by|from) "
    rf"{THE} (?:\w+ )?{INFORMATION}\b(?-i:{ALONE})",
    r"\b(?:not enough|insufficient|lack of) (?:information|context|details?|data) (?:\w+ )?(?:to|for) (?:\w+ )?"
    r"(?:answer|determine|say|tell)",
    rf"{FIRST}\b(?:i|we) (?:do not|don't) (?:\w+ly )?have (?:(?:enough|sufficient|any|specific|the necessary) "
    rf"(?:\w+ ){{0,2}}?(?:{KNOWLEDGE}|data)|access to (?:real-time|current|live|external|the internet))\b",
    rf"\b(?:there (?:is|was)(?: not|n't)|is not|isn't) (?:enough|sufficient) {KNOWLEDGE}\b",
    rf"^\W*(?:unfortunately, |sorry, )?no (?:\w+ )?{KNOWLEDGE} (?:is|was|are|were) "
    r"(?:available|given|provided|found)\b",
    r"\bcan ?not be (?:answered|determined|inferred|known)(?: \w+)? (?:from|based on|with|without) "
    rf"(?:{THE}|more) (?:\w+ )?{INFORMATION}",
)
UNKNOWING = re.compile(r"^\W*(?:sorry\W+)?(?:i|we) (?:do not|don't) know\b[^,\"\u201d]*$", re.I)
OPENING = 200  # characters of an answer in which a refusal begins: a later one belongs to a story or a discussion
MOST_UNKNOWING = 15  # words of an answer that says little more than that it does not know

# Not before what says which text: "the article by Smith", "the text 'Emma'", "the document's author"
NOT_IDENTIFIED = (
    r"(?! (?:of|by|on|about|in|at|for|from|to|that|which|who\w*|\w+ed|called|written|code)\b"
    r"|[-']|\s+[\"\u201cA-Z])"
)
READ = r"(?:stat|mention|describ|provid|discuss|list|outlin|present|refer\w*|nam)ed"
SAYS = r"(?:says?|states?|mentions?|describes?|tells?|notes?|explains?|indicates?|suggests?|lists?|does not|doesn't)"
MENTION = _any(
    rf"\b(?:according to|based on|(?:as )?{READ} (?:in|by)) {THE}(?: {GIVEN})? {TEXTS}\b(?-i:{NOT_IDENTIFIED})",
    # Of a river or a plant, "from the source" and "in the extract" are no mention.
    rf"\b(?:in|from|per|using|given) (?!the (?:source|extract)\b){THE}(?: {GIVEN})? {TEXTS}(?=\s*(?:[,.;:?!)]|$))",
    rf"\b{THE} {GIVEN} {TEXTS}\b",
    rf"\b{THE} {TEXTS} (?:{SAYS}|above|below|provided|given)\b",
    rf"\b{READ} above\b",
    r"\bthese (?:passages|documents|texts|excerpts|sources|articles)\b",
    *MENTIONS,
)
AT_END = re.compile(rf"\bthe {TEXTS}\W*$", re.I)
ENGLISH = re.compile(rf"\b{THE}\b", re.I)
HERE = re.compile(r"following|above|below|this|these|given", re.I)

WHAT = (
    r"(?:(?:at|by|in|from|to|for|on) )?(?:who|whom|whose|what|where|when|why|how|which)"
    r"(?: (?!is|are|was|were|do|does|did)\w+){0,2}"
)
BE, DO = r"(?:is|are|was|were)", r"(?:do|does|did|has|have|had|can|could|will|would|should|might|may|must)"
OTHERS = r"(?:he|she|they|his|her|their|its|this|these|those)\b(?! (?:true|the|too|year|month|week|time)\b)"
# "How long does it take", "does it matter", "is it true that ..." and "is it dark at night" stand for nothing.
EMPTY_IT = (
    r"(?:\w+ly |ever |still |always |often )?"
    r"(?:take|mean|cost|matter|help|follow|happen|rain|snow|make|come|get|be|been)\b"
)
POINTING = _any(
    rf"^\W*(?:{WHAT} )?(?:{BE}|{DO}) {OTHERS}",
    rf"^\W*(?:{WHAT} )?{DO} it(?! {EMPTY_IT})(?: \w+){{1,3}}\W*$",
    rf"^\W*(?:{WHAT} )?{BE} it(?: \w+){{0,2}}\W*$",
    # "What does it say about refunds?", but not "What does it say about people if they lie?"
    rf"^\W*(?:{WHAT} )?{DO} it (?:state|mention|specify|describe|list|say about(?!.*\b(?:if|when|that|to)\b))\b",
    r"^\W*(?:describe|explain|name|state|list|summari[sz]e|give|tell me about) "
    r"(?:it|him|her|them|this|these|those|his|their|its)\b",
)
# A colon, a line break or a quotation: the question holds what it asks about. So do two sentences.
OWN_TEXT = re.compile(
    r"[:\uff1a\n\"\u201c\u00ab\u201e\u300c\u300e]|[.?!\u061f\u0964] \S+ \S+ \S+|[\u3002\uff01\uff1f]\S{4}"
)


def holds_text(question: str) -> bool:
    """Say whether the question holds a text, a list or a quotation that it asks about."""
    return bool(OWN_TEXT.search(question.strip()[:-1]))


def refusal(question: str, answer: str, texts: str = "") -> bool:
    """Say whether the answer declines to answer. Words of refusal that question or documents have are quoted."""
    answer = straight(answer)
    found = REFUSAL.search(answer[: 2 * OPENING])
    if found and found.start() <= OPENING and found[0].lower() not in straight(f"{question} {texts}").lower():
        return True
    return bool(UNKNOWING.match(answer)) and len(answer.split()) <= MOST_UNKNOWING


def mentions_documents(question: str, answer: str) -> str:
    """Return the words that speak of documents which the reader of the question has not seen, or "".

    A text that the question holds or has introduced ("an article", "the following text: ...") may be mentioned.
    """
    question, answer = straight(question), straight(answer)
    mentions = [*MENTION.finditer(question), *_at_end(question)]
    in_question = (found[0] for found in mentions if not _is_introduced(found, question))
    in_answer = (found[0] for found in MENTION.finditer(answer) if not _is_known(found, f"{question} "))
    return next(in_question, "") or next(in_answer, "")


def _at_end(question: str) -> Iterator[re.Match[str]]:
    """Yield the mention at the end of a question without names, that is with one capital at most."""
    found = AT_END.search(question)
    if found and len(re.findall("[A-Z]", question)) <= 1:
        yield found


def _is_introduced(found: re.Match[str], question: str) -> bool:
    """Say whether a question has introduced the text that it mentions, or holds it: "the following text: ..."."""
    if _is_known(found, ""):
        return True
    holds = "\n" in question[: found.start()] or holds_text(question[found.end() :])
    return holds and bool(HERE.search(found[0]) or not ENGLISH.search(found[0]))


def _is_known(found: re.Match[str], before: str) -> bool:
    """Say whether the noun of a mention ("article") stands earlier in its text, or in the text `before`.

    `before` is the question of an answer, or "". What an answer calls "above" may stand in the answer.
    """
    noun = re.search(rf"\b{TEXTS}\b", found[0], re.I)
    if noun is None and (other := NOUN.search(found[0])):
        return other[0].lower() in (before + found.string[: found.start()]).lower()
    if noun is None and before:
        return True
    name = noun[0].lower().rstrip("s") if noun else "above"
    return bool(re.search(rf"\b{name}s?\b", before + found.string[: found.start()], re.I))


def points_at_nothing(question: str) -> bool:
    """Say whether the question begins with a pronoun in place of what it asks about, and holds no text of its own."""
    return bool(POINTING.match(question) or points_elsewhere(question)) and not holds_text(question)
