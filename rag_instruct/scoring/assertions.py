"""Find what an output asserts: cut it to the model's own turn, find its final answer, detect denied mentions."""

import html
import json
import re

from rag_instruct.citations import uncited
from rag_instruct.scoring.denials import NEGATED_AFTER, STATEMENT_END, denied, without_asides
from rag_instruct.thoughts import without_thoughts

# A base model may go on with an invented question. Its answer to the invented question does not count. The word stands
# after #, before a colon or alone in its line, or else it belongs to the answer (Human rights).
NEXT_TURN = re.compile(
    r"\n\s*(?:#+ *(?:Question|Q|Instruction|User|Human|Example)\b|(?:Question|Q|Instruction|User|Human|Example) *\d* *:"
    r"|(?:Question|Instruction|Example) *\d* *\n)"
)
# Invented documents. If an answer follows them, the model only quotes the documents that it was given.
MORE_DOCUMENTS = re.compile(r"\n\s*(?:#+ *)?Document \d+ *[:\n](?!.*\b(?i:answer)\b *(?:is|:))", re.S)
SPACES = re.compile(r"[^\S\n]{2,}|(?<=\n)\s+(?=\n)")
# Citations in other forms than ours: [1, 2], [1-3], [Document 1], (Document 1), \u30101\u2020source\u3011.
OTHER_CITATION = re.compile(
    r"\s*(?:\[\d{1,2}(?:\s*[-,;\u2013]\s*\d{1,2})+\]"
    r"|[\[(](?:document|doc|source|passage)s? \d{1,2}(?:,? (?:and )?\d{1,2})*[\])]"
    r"|\u3010\d+[^\u3010\u3011]*\u3011|(?<=[^\W\d_]{3})\[\d{1,2}\](?=[.,;]?(?:\s|$)))",
    re.I,
)
# Numbers of sources as raised digits, which plain text may write as others: "Luke Bryan\u00b9", "Luke Bryan1."
RAISED = re.compile(r"(?<=[^\W\d_]{3})(?:[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]+|(?<=[a-z])\d{1,2}(?=[.,;]?(?:\s|$)))")
ANSWER_TAG = re.compile(r"<(answer|final_answer|final|response)>(?P<answer>.*?)(?:</\1>|$)", re.S | re.I)
BOXED = re.compile(r"\\(?:boxed|fbox)\{(?P<answer>(?:[^{}]|\{[^{}]*\})*)\}")
JSON_ANSWER = re.compile(
    r'"(?:final[_ ]?|correct[_ ]?)?(?:answer|response)"\s*:'
    r'\s*(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<bare>-?[\d.]+|true|false))\s*[,}]',
    re.I,
)
# Programs that an output shows before their result. A command (bash, sql) may be the answer.
PROGRAM = re.compile(r"```(?:python|py|javascript|js|java|c|cpp|c\+\+|r)\n.*?```(?=\s*\S)", re.S | re.I)
# Small letters only: <B> may be an option. A tag that does not end, as in "the tag is <b>", may be the answer.
INLINE_TAG = re.compile(r"</?(b|i|u|em|strong|sub|sup|span|code|mark|small|a)(?: [^<>\n]*)?>")
BLOCK_TAG = re.compile(r"</?(p|div|li|ul|ol|h[1-6]|table|tr|td|th)(?: [^<>\n]*)?>")
BREAK_TAG = re.compile(r"(?<=[\w.,;:!?)*>])<br ?/?>")
END_TAG = re.compile(r"</(\w+)>")
ENTITY = re.compile(r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]+\d?);", re.I)
# $H_2O$ is a formula, $5 an amount.
FORMULA = re.compile(r"(?<!\\)\$\$?(?=[^$\n]*(?:\\[a-zA-Z]|[\^_]))([^$\n]+)(?<!\\)\$\$?(?!\d)|\\[()\[\]]")
SUBSCRIPT = re.compile(r"_\{?(\w+)\}?")
LATEX_SIGNS = (
    (re.compile(r"\^\s*\{?\s*\\circ(?![a-z])\s*\}?|\\degree(?![a-z])"), "\u00b0"),
    (re.compile(r"\\(?:long)?(?:rightarrow|to)\b"), "->"),
    (re.compile(r"\\times\b"), "\u00d7"),
    (re.compile(r"\\approx\b"), "\u2248"),
    (re.compile(r"\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\[,;:!]|\\q?quad\b"), " "),
)
MARKUP = re.compile(
    r"\*\*|__|`|\\(?:text|textbf|textit|mathrm|mathbf|mathit)\{([^{}]*)\}|<\|[^|>]*\|>|</?s>|\\(?=[%$])"
)

# Chinese and Japanese; German, French, Spanish, Portuguese, Italian, Russian; Korean; Hindi; Arabic; Thai.
FINAL_ELSEWHERE = (
    r"(?:\u7b54\u6848|\u7b54\u3048)(?:\u662f|\u4e3a|\u70ba|\u306f|[:\uff1a])\s*",
    r"\b(?:Antwort|r\u00e9ponse|respuesta|resposta|risposta|\u043e\u0442\u0432\u0435\u0442)\s*"
    r"(?:ist|lautet|est|es|\u00e9|\u00e8|[:\u2014])\s*",
    r"(?:\uc815\ub2f5|\ub2f5)\s*(?:\uc740|:)\s*",
    r"\u0909\u0924\u094d\u0924\u0930\s*(?::|\u0939\u0948)\s*",
    r"(?:\u0627\u0644\u0625\u062c\u0627\u0628\u0629|\u0627\u0644\u062c\u0648\u0627\u0628)\s*(?:\u0647\u064a|\u0647\u0648|:)\s*",
    r"\u0e04\u0e33\u0e15\u0e2d\u0e1a\s*(?:\u0e04\u0e37\u0e2d|:)\s*",
)
FINAL = re.compile(
    r"\b(?:(?:final|correct|best|right|most likely|short|only|good|possible)\s+)*(?:answer|choice|option)"
    r"(?:\s+(?:to|for)\s+[^.\n:]{1,80}?\b)?\s*(?:is(?!n't| not\b)\b|was|would be|should be|must be|:|=)"
    r"(?:\s*:)?\s*(?:that\s+)?"
    r"|(?:^|\n)[# \t]*(?:(?:final|short|correct)\s+)?answer *(?:\n|[-\u2013\u2014] )"  # a heading
    "|" + "|".join(FINAL_ELSEWHERE),
    re.I,
)
# What is said about an answer is none: "The answer is found in Document 1", "The other option is A".
REMARK = re.compile(
    r"\s*(?:also |\w+ly |well )?"
    r"(?:(?:based|found|supported|stated|given|mentioned|provided|confirmed|derived|taken|drawn|contained|backed|explained"
    r"|described|listed|shown|implied|inferred|cited|referenced|included)\b(?! as\b| to be\b)"
    r"|(?:in|from|according to|consistent with|clear from|evident (?:from|in)|due to)"
    r" (?:the |this |these |that )?(?:\w+ )?(?i:documents?|passages?|texts?|context|articles?|sources?|table)\b"
    r"|(?:clear|evident|obvious|correct)\b\W*$)"
)
OTHER_OPTION = re.compile(r"\b(?:another|other|alternative|wrong|incorrect) (?:\w+ )?$", re.I)
WAIT = r"wait(?=\s*(?:[^\w\s]|(?:no|that|actually|it|i)\b))"  # "No wait times are listed" corrects nothing
CORRECTION = re.compile(
    rf"(?:(?<=,)\s*(?:oh,? )?(?:no,? (?:{WAIT}|actually)|wait,? no|actually,? no(?=,))"  # "Lyon, no, actually Paris"
    r"|(?:(?<=[.!?\u2014])(?<!\bDr\.)|(?<=\n)|(?<= -))\s*(?:(?:oh|sorry|actually|hmm),? )?"
    rf"(?:(?:no,? )?{WAIT}|no,|actually, no|correction(?=\W)"
    r"|on second thought"
    r"|sorry,(?! (?:but )?(?:i(?! mean)|we|there|the|that['\u2019 ]i?s all|no)\b)"  # "Sorry, I know no more"
    r"|let me correct|scratch that|i mean))(?!\w)"
    r"[,:.]?\s*(?:no,\s*)?",
    re.I,
)

# What follows a short answer to explain it is no answer.
EXPLANATION = re.compile(r"\n\s*(?:#+ *)?(?:explanation|reasoning|rationale|justification) *(?::|\n)", re.I)
SHORT = 12  # words of an answer that an explanation follows
# A marker that names an answer also behind an explanation.
HEADING = re.compile(r"final\b|answer *(?:[:\n]|[-\u2013\u2014] )", re.I)
# A text that begins so is no answer, but leads to the reasons, which lead to the answer.
PREAMBLE = re.compile(
    r"\W*(?:sure|ok(?:ay)?|certainly|of course|let['\u2019]?s|let (?:me|us)|step|first|here|thinking|thoughts?|analysis"
    r"|to (?:answer|find|determine|solve)|based on|looking|(?:i|we) (?:need|will|have to|must|can)|(?:the |these )?"
    r"(?:relevant |given |provided )?(?:documents?|passages?|texts?|context|articles?|sources?|question))\b",
    re.I,
)

SILENCE = re.compile(
    r"(?:\bnot|\bcannot|n['\u2019]t)\s+(?:explicitly |directly )?(?:be )?"
    r"(?:mention|say|state|specify|provide|contain|indicate|tell|determine|confirm|know|find)(?:d|ed|n)?\b",
    re.I,
)
# "While the documents do not state it, it is ...": the comma ends what is conceded, unless it divides a list.
CONCESSION = re.compile(r"\b(?:while|although|though|despite|even if)\b[^,;:]*,", re.I)
LIST_BEFORE = re.compile(r",(?:[^,]*\b)?(?:or|nor|and)\s*$", re.I)
LIST_AFTER = re.compile(r"(?:,[^,.;]{0,40}){0,4}[\s,]+(?:or|nor|and)\b", re.I)
OTHERS_SAY = re.compile(
    r"\b(?:many|most|some|people|one|you|others|i|we|they|every(?:one|body)|folks)\b(?: \w+){0,3} "
    r"(?:thinks?|thought|believe[sd]?|assume[sd]?|says?|said|guess(?:ed|es)?|claim(?:s|ed)?)\b"
    r"|\b(?:is|was) (?:often|sometimes|widely|popularly) (?:said|thought|believed|assumed|claimed|reported)\b"
    r"|\bat first\b|\binitially\b|\bcontrary to\b|\bcommonly (?:thought|believed|confused|mistaken)\b",
    re.I,
)
# "Lyon (some sources say Paris)", "Could you say more, such as whether she is a dancer?"
NOT_OWN_CLAIM = re.compile(
    r"\((?:but |although |though )?(?:some|others?|many)\b[^()]*?\b(?:say|said|claim|believe|think|thought|argue|cite"
    r"|mention|list|report|suggest|state|give|call|consider|prefer)(?:s|d|ed|ing)?\b[^()]*$"
    r"|^\W*(?:(?:could|can|would) you|please (?:provide|clarify|specify|share|tell me))\b",
    re.I,
)
CONCLUSION = re.compile(r"\b(?:therefore|thus|hence|so|overall|in conclusion|in summary|in short|conclusion)\b", re.I)
CONTRAST = re.compile(r"\b(?:but|however|actually|in fact|in reality|yet)\b", re.I)
UNSURE = re.compile(
    r"\b(?:either|could be|might be|may be|may have been|might have been|possibly|perhaps|maybe|unsure)\b", re.I
)


def own_turn(output: str) -> str:
    """Return the output without reasoning, markup, citations and the turns that the model wrote for other speakers.

    If a part of it is marked as the answer (<answer>, \\boxed, the "answer" of a JSON object), return that part.
    """
    # Models that fail may write thousands of spaces, on which the patterns would take minutes.
    text = without_thoughts(SPACES.sub(lambda found: found[0][0], output.replace("\r\n", "\n")))
    for marked in (ANSWER_TAG, BOXED):
        if found := [match["answer"] for match in marked.finditer(text) if match["answer"].strip()]:
            text = found[-1]
    if found := list(JSON_ANSWER.finditer(text)):
        text = found[-1]["bare"] or _unescaped(found[-1]["text"])
    text = _plain(text)
    for other in (NEXT_TURN, MORE_DOCUMENTS):
        if turn := other.search(text):
            text = text[: turn.start()]
    return OTHER_CITATION.sub("", uncited(text)).strip()


def _plain(text: str) -> str:
    """Return the text without Markdown, HTML and LaTeX."""
    without_program = PROGRAM.sub(" ", text)
    text = without_program if without_program.strip() else text
    ended = set(END_TAG.findall(text))
    for tag, written in ((BREAK_TAG, "\n"), (INLINE_TAG, ""), (BLOCK_TAG, "\n")):
        text = tag.sub(lambda match, written=written: written if {*match.groups()} <= ended else match[0], text)  # type: ignore[misc]
    text = ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = FORMULA.sub(lambda match: SUBSCRIPT.sub(r"\1", match[1] or ""), text)
    for sign, written in LATEX_SIGNS:
        text = sign.sub(written, text)
    return MARKUP.sub(lambda match: match[1] or "", text).strip()


def _unescaped(text: str) -> str:
    """Return what the inside of a JSON string means."""
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text


def final_answer(text: str) -> str:
    """Return the sentence after the last "the answer is", or the whole text if the phrase does not occur.

    If the sentence begins with a negation, return everything after the phrase. Text before a correction ("wait, no")
    is dropped.
    """
    rest, sentence = final_part(text)
    return rest[:sentence]


def final_part(text: str) -> tuple[str, int]:
    """Return what follows the last "the answer is", and the length of its first sentence. See `final_answer`."""
    if corrections := list(CORRECTION.finditer(text)):
        rest = text[corrections[-1].end() :]
        text = rest if rest.strip(" .!?") else text
    found = [match for match in FINAL.finditer(text) if _names_answer(text, match)]
    explained = EXPLANATION.search(text)
    if explained and not any(HEADING.search(match[0]) for match in found if match.start() > explained.start()):
        answer = text[: explained.start()].strip()
        if answer and not answer.endswith(":") and len(answer.split()) <= SHORT and not PREAMBLE.match(answer):
            text, found = answer, [match for match in found if answer[match.end() :].strip(" .:*\n")]
    # "It is not true that the answer is Paris" names no final answer.
    found = [match for match in found if not denied(around(text, match.end(), match.end())[0])]
    if not found:
        return text, len(text)
    rest = text[found[-1].end() :].strip()
    line = rest.split("\n")[0]
    mark = (LISTED if "\n" in found[-1][0] else LISTED_NAME).match(line)
    first = mark[0] + sentences(line[mark.end() :])[0] if mark else sentences(line)[0]
    if re.match(r"\W*(?:not|never|neither|no longer)\b", first, re.I):
        return rest, len(rest)
    return line, len(first)


# The stop of a list's number ends no sentence: "Final answer:\n1. Paris", "The answer is 1. Paris".
LISTED = re.compile(r"\d\. +(?=\S)")
LISTED_NAME = re.compile(r"\d\. +(?=(?:(?:[A-Z][\w'\u2019-]*|of|the|and|de|van|von)(?:[\s.]+|$))+$)")


def _names_answer(text: str, marker: re.Match[str]) -> bool:
    """Return whether what follows a marker can be an answer, and is not said about one."""
    rest = text[marker.end() :]
    about_other = OTHER_OPTION.search(text[max(0, marker.start() - NEAR) : marker.start()])
    return bool(rest.strip(" .:*\n")) and not REMARK.match(rest.split("\n")[0]) and not about_other


NEAR = 200  # characters on either side of a label, and behind a mention, that may negate it
BEFORE = 800  # characters before a mention that may negate it: a long sentence
ABBREVIATED = re.compile(
    r"(?:\b(?-i:[A-Z])|\b(?:Mr|Mrs|Ms|Dr|St|Mt|Ft|Jr|Sr|Co|Inc|Ltd|vs?|Prof|Gen|Capt|Lt|Col|Sgt|Rev|Gov|Sen|Rep|Hon|Ph\.D|approx"
    r"|ca|cf|al|op|e\.g|i\.e))\.$",
    re.I,
)
SENTENCE_END = re.compile(
    r"(?<=[.!?]) +(?=[A-Z\"'(])|(?<=[\u3002\uff01\uff1f\u0964\u061f\u06d4])\s*(?=[^\s\u300d\u300f\u201d\"')\uff09])"
)


def sentences(line: str) -> list[str]:
    """Split a line into sentences, but not after initials and abbreviations."""
    found: list[str] = []
    for part in SENTENCE_END.split(line.strip()):
        if found and ABBREVIATED.search(found[-1][-20:]):
            found[-1] += f" {part}"
        else:
            found.append(part)
    return found


def statements(text: str) -> list[str]:
    """Return the non-empty sentences of all lines."""
    return [sentence for line in text.split("\n") for sentence in sentences(line) if sentence.strip()]


def around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the sentence's parts before and after a mention. The mention may contain a full stop (Mr. Shifter)."""
    line_before = text[max(0, start - BEFORE) : start].rsplit("\n", 1)[-1]
    line_after = text[end : end + NEAR].split("\n", 1)[0]
    first, *others = sentences(f"x{line_after}")
    # "Paris? No.": the next sentence answers the question.
    return sentences(f"{line_before}X")[-1][:-1], " ".join([first[1:], *(others[:1] if first.endswith("?") else [])])


def sides(text: str, match: re.Match[str]) -> tuple[str, str]:
    """Return up to NEAR characters before and after a match."""
    return text[max(0, match.start() - NEAR) : match.start()], text[match.end() : match.end() + NEAR]


def asserted(before: str, after: str) -> bool:
    """Return whether a sentence asserts the mention between `before` and `after`.

    The sentence must not deny the mention, leave it open, or report it as the view of others.
    """
    before, after = before[-BEFORE:], after[:NEAR]
    if (
        denied(before)
        or NOT_OWN_CLAIM.search(before)
        or NEGATED_AFTER.search(after)
        or SILENCE.search(STATEMENT_END.split(_without_concessions(before, after))[-1])
    ):
        return False
    return not contradicted(before, after)


def contradicted(before: str, after: str) -> bool:
    """Return whether a mention is the view of others that the rest of the sentence contradicts."""
    return bool(OTHERS_SAY.search(before) and CONTRAST.search(after) and not CONTRAST.search(before))


def _without_concessions(before: str, after: str) -> str:
    """Return the words before a mention without asides and without what they only concede."""
    plain = without_asides(before)
    return plain if LIST_BEFORE.search(plain) or LIST_AFTER.match(after) else CONCESSION.sub(" ", plain)
