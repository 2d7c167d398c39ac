"""Recognises refusals, mentions of documents that the reader has not seen, and pronouns that stand for nothing."""

import re

TEXTS = r"(?:passage|document|text|article|excerpt|context|source|paragraph|snippet|extract)s?"
THE = r"(?:the|(?:this|that)(?! context)|these|those|your|any)"  # "in this context" is idiom
GIVEN = r"(?:given|provided|above|following|preceding|present|supplied|retrieved|attached|reference)"
INFORMATION = rf"(?:{TEXTS}|information|data)"


def _any(*patterns: str) -> re.Pattern[str]:
    """Return a pattern that matches any of the patterns, in any case."""
    return re.compile("|".join(patterns), re.I)


# Verbs such as "tell" are missing, because people in stories say them.
DECLINED = r"(?:answer|provide|help|assist|complete|fulfil\w*|comply|write|create|generate|determine)"
UNABLE = r"(?:can ?not|can't|could not|couldn't|am unable to|am not able to|are unable to|won't)"
STATE = r"(?:contain|provide|mention|include|state|specify|say|give|answer|address|cover)"
REFUSAL = _any(
    rf"\b(?:i|we) {UNABLE} (?:\w+ ){{0,2}}{DECLINED}\b",
    r"^\W*i(?:'m| am) (?:sorry|afraid)(?=[.,!]| (?:but|that|i|we|this|there)\b)",
    rf"^\W*i(?:'m| am) unable to (?:\w+ ){{0,2}}{DECLINED}\b",
    r"^\W*(?:my )?apologies\b",
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b",
    r"\bals (?:ki|künstliche intelligenz)\b",
    r"\b(?:en tant qu.|como (?:una? )?)(?:ia|intelligence|inteligencia)\b",
    r"作为一?[个款]?(?:ai|人工智能)",
    # In other languages: an apology with its "cannot", and documents that do not tell.
    r"^\W*(?:es )?tut mir leid,? (?:aber )?(?:ich|diese|das|dazu) (?:\w+ ){0,4}?(?:kann|darf|nicht)\b",
    r"\bich kann (?:diese|die|ihre|deine) (?:frage|bitte|anfrage) (?:leider )?nicht\b",
    r"^\W*(?:je suis )?d\u00e9sol\u00e9e?,? (?:mais )?(?:je (?:ne|n['\u2019])) ?(?:peux|suis|dispose|sais)\b",
    r"^\W*lo siento,? (?:pero )?no (?:puedo|tengo|dispongo)\b",
    r"^\W*(?:mi )?(?:dispiace|desculpe|sinto muito|lamento),? (?:ma |mas )?n(?:on|\u00e3o) (?:posso|sono|tenho|ho)\b",
    r"^\W*\u0438\u0437\u0432\u0438\u043d\u0438\u0442\u0435,? (?:\u043d\u043e )?\u044f \u043d\u0435 (?:\u043c\u043e\u0433\u0443|\u0437\u043d\u0430\u044e)",
    "^\\W*(?:\u5f88?\u62b1\u6b49|\u5bf9\u4e0d\u8d77|\u5c0d\u4e0d\u8d77)[,\uff0c\u3002 ]*\u6211?(?:\u65e0\u6cd5|\u7121\u6cd5|\u4e0d\u80fd)",
    "^\\W*(?:\u7533\u3057\u8a33|\u3059\u307f\u307e\u305b\u3093)[^\u3002]*(?:\u3067\u304d\u307e\u305b\u3093|\u304b\u306d\u307e\u3059)",
    "^\\W*\uc8c4\uc1a1[^.]*(?:\ud560 \uc218 \uc5c6|\ub4dc\ub9b4 \uc218 \uc5c6)",
    "^\\W*(?:\u0639\u0630\u0631\u0627|\u0639\u0630\u0631\u064b\u0627|\u0622\u0633\u0641|\u0623\u0639\u062a\u0630\u0631)[\u060c, ]*(?:\u0648?\u0644\u0643\u0646 )?\u0644\u0627 (?:\u0623\u0633\u062a\u0637\u064a\u0639|\u064a\u0645\u0643\u0646\u0646\u064a)",
    "^\\W*(?:\u0915\u094d\u0937\u092e\u093e|\u092e\u093e\u092b)[^\u0964]*(?:\u0928\u0939\u0940\u0902|\u0905\u0938\u092e\u0930\u094d\u0925)",
    r"\b(?:der text|das dokument|der artikel) (?:enth\u00e4lt|nennt|erw\u00e4hnt) (?:dazu |dar\u00fcber )?(?:keine|nicht)\b",
    r"\b(?:le texte|le document|l['\u2019]article) ne (?:mentionne|pr\u00e9cise|contient|dit) pas\b",
    r"\bel (?:texto|documento|art\u00edculo) no (?:menciona|indica|contiene|especifica)\b",
    "(?:\u6587\u4e2d|\u6587\u6863|\u6587\u6863\u4e2d|\u6587\u7ae0)(?:\u5e76)?(?:\u6ca1\u6709|\u672a)(?:\u63d0\u5230|\u63d0\u53ca|\u8bf4\u660e)",
    rf"\b{INFORMATION}(?: \w+){{0,2}} (?:do|does)(?: not|n't) (?:\w+ )?{STATE}\b",
    rf"\b(?:not|no)(?: \w+)? (?:{STATE}\w*|given|available|information)(?: \w+)? (?:in|by|from) "
    rf"{THE} (?:\w+ )?{INFORMATION}",
    r"\b(?:not enough|insufficient|lack of) (?:information|context|details?|data) (?:\w+ )?(?:to|for) (?:\w+ )?"
    r"(?:answer|determine|say|tell)",
    r"\bcan ?not be (?:answered|determined|inferred|known)(?: \w+)? (?:from|based on|with|without) "
    rf"(?:{THE}|more) (?:\w+ )?{INFORMATION}",
)
UNKNOWING = re.compile(r"^\W*(?:sorry\W+)?(?:i|we) (?:do not|don't) know\b[^,\"\u201d]*$", re.I)
OPENING = 200  # characters of an answer in which a refusal begins: a later one belongs to a story or a discussion
MOST_UNKNOWING = 15  # words of an answer that says little more than that it does not know

# Not before what says which text: "the article by Smith", "the text 'Emma'", "the document's author"
NOT_IDENTIFIED = (
    r"(?! (?:of|by|on|about|in|at|for|from|to|that|which|who\w*|\w+ed|called|written|code)\b"
    r"|[-'\u2019]|\s+[\"\u201cA-Z])"
)
READ = r"(?:stat|mention|describ|provid|discuss|list|outlin|present|refer\w*|nam)ed"
SAYS = r"(?:says?|states?|mentions?|describes?|tells?|notes?|explains?|indicates?|suggests?|lists?|does not|doesn't)"
MENTION = _any(
    rf"\b(?:according to|based on|(?:as )?{READ} (?:in|by)) {THE}(?: {GIVEN})? {TEXTS}\b(?-i:{NOT_IDENTIFIED})",
    rf"\b(?:in|from|per|using|given) {THE}(?: {GIVEN})? {TEXTS}(?=\s*(?:[,.;:?!)]|$))",
    rf"\b{THE} {GIVEN} {TEXTS}\b",
    rf"\b{THE} {TEXTS} (?:{SAYS}|above|below|provided|given)\b",
    rf"\b{READ} above\b",
    r"\bthese (?:passages|documents|texts|excerpts|sources|articles)\b",
    rf"^(?-i:[^A-Z]*[A-Z]?[^A-Z]*)\bthe {TEXTS}\W*$",  # at the end of a question without names: one capital at most
    # In other languages
    r"\b(?:d['\u2019]après|selon) (?:le|ce|cet|l['\u2019]) ?(?:texte|document|passage|article|extrait)\b",
    r"\b(?:laut|gemäß) (?:dem|diesem) (?:text|dokument|artikel|abschnitt|auszug)\b",
    r"\b(?:según|de acuerdo con) (?:el|este) (?:texto|documento|pasaje|artículo|fragmento)\b",
    r"\b(?:secondo|segundo|de acordo com) (?:il|lo|o|este|questo) (?:testo|documento|brano|texto|trecho)\b",
    r"\bсогласно (?:тексту|документу|отрывку)\b",  # noqa: RUF001
    r"根据(?:本文|文中|上文|该文|文章|短文|文档|文本|材料)",
    r"(?:本文|文章|文書|資料)によ(?:ると|れば)",
)
# The nouns for a text in other languages, at the end of their mention or, in Chinese and Japanese, inside it.
OTHER_NOUN = re.compile(
    r"\b(?:texte|extrait|dokument|artikel|abschnitt|auszug|texto|documento|pasaje|art\u00edculo"
    r"|fragmento|testo|brano|trecho|\u0442\u0435\u043a\u0441\u0442\u0443|\u0434\u043e\u043a\u0443\u043c\u0435\u043d\u0442\u0443|\u043e\u0442\u0440\u044b\u0432\u043a\u0443)$"
    "|\u672c\u6587|\u6587\u4e2d|\u4e0a\u6587|\u8be5\u6587|\u6587\u7ae0|\u77ed\u6587|\u6587\u6863|\u6587\u672c|\u6750\u6599|\u6587\u66f8|\u8cc7\u6599",
    re.I,
)
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
    r"^\W*(?:describe|explain|name|state|list|summari[sz]e|give|tell me about) "
    r"(?:it|him|her|them|this|these|those|his|their|its)\b",
)
# A colon, a line break or a quotation: the question holds what it asks about. So do two sentences.
OWN_TEXT = re.compile(r"[:\n\"\u201c\u00ab\u201e]|[.?!] \S+ \S+ \S+")


def holds_text(question: str) -> bool:
    """Say whether the question holds a text, a list or a quotation that it asks about."""
    return bool(OWN_TEXT.search(question.strip()[:-1]))


def refusal(question: str, answer: str) -> bool:
    """Say whether the answer declines to answer. Words of refusal that the question has are quoted or chosen from."""
    found = REFUSAL.search(answer[: 2 * OPENING])
    if found and found.start() <= OPENING and found[0].lower() not in question.lower():
        return True
    return bool(UNKNOWING.match(answer)) and len(answer.split()) <= MOST_UNKNOWING


def mentions_documents(question: str, answer: str) -> str:
    """Return the words that speak of documents which the reader of the question has not seen, or "".

    A text that the question holds or has introduced ("an article", "the following text: ...") may be mentioned.
    """
    in_question = (found[0] for found in MENTION.finditer(question) if not _is_introduced(found, question))
    in_answer = (found[0] for found in MENTION.finditer(answer) if not _is_known(found, f"{question} "))
    return next(in_question, "") or next(in_answer, "")


def _is_introduced(found: re.Match[str], question: str) -> bool:
    """Say whether a question has introduced the text that it mentions, or holds it: "the following text: ..."."""
    if _is_known(found, ""):
        return True
    holds = "\n" in question[: found.start()] or holds_text(question[found.end() :])
    return holds and bool(HERE.search(found[0]))


def _is_known(found: re.Match[str], before: str) -> bool:
    """Say whether the noun of a mention ("article") stands earlier in its text, or in the text `before`.

    `before` is the question of an answer, or "". What an answer calls "above" may stand in the answer.
    """
    noun = re.search(rf"\b{TEXTS}\b", found[0], re.I)
    if noun is None and (other := OTHER_NOUN.search(found[0])):
        return other[0].lower() in (before + found.string[: found.start()]).lower()
    if noun is None and before:
        return True
    name = noun[0].lower().rstrip("s") if noun else "above"
    return bool(re.search(rf"\b{name}s?\b", before + found.string[: found.start()], re.I))


def points_at_nothing(question: str) -> bool:
    """Say whether the question begins with a pronoun in place of what it asks about, and holds no text of its own."""
    return bool(POINTING.match(question)) and not holds_text(question)
