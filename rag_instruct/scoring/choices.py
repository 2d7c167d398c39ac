"""Find the option that an output chooses, by its label or by its text."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from rag_instruct.scoring.assertions import CONCLUSION, NEAR, around, asserted, final_answer, sides, statements
from rag_instruct.scoring.mentions import Answer, answer_form, mentions
from rag_instruct.scoring.spelling import canonical, normalized
from rag_instruct.words import content

Choices = Sequence[tuple[str, str]]

# A second label after the first.
MORE = re.compile(r"^\W*(?:,|/|&|and|or|and/or)\W*(?:(?i:option|choice|answer|letter)\s+)?\(?([A-Z])\b(?!['\u2019])")
VERDICT_AFTER = re.compile(
    r"^\W*(?:is|would be|seems|appears|must be|looks)\s+(?:to be\s+)?(?:the\s+)?(?:"
    r"(?:\w+\s+)?(?:correct|right|best|better|answer|true|likely|preferable)"
    r"|(?:more|most)\s+(?:plausible|appropriate|suitable|accurate))\b"
    r"|^ it is\b",
    re.I,
)
CHOSEN_BEFORE = re.compile(
    r"\b(?:choose|pick|select|go with|going with|chose|opt for|say|answer(?: is|:)?)\s+"
    r"(?:option |answer |choice |letter )?[\"'(\[]*$",
    re.I,
)
REJECTED = re.compile(  # A (wood) is wrong; A and C can be ruled out
    r"(?:\s*\([^()]*\))?(?:\s*(?:,|/|&|and|or|, and|, or)\s*\(?[A-Z]\)?)*\W*"
    r"(?:(?:is|was|are|were)\s+(?:both |all )?(?:wrong|incorrect|false|not|out|excluded|eliminated)"
    r"|can (?:both |all )?be (?:ruled out|excluded|eliminated|dismissed|discarded))\b"
)
TEMPTING = re.compile(
    r"\W*(?:seems|looks|appears|sounds|may|might|could"
    r"|is (?:\w+ )?(?:tempting|plausible|possible|attractive|close|good|better than|partly|partially))\b"
    r"[^.]*\b(?:but|however|although|yet)\b",
    re.I,
)
# "I would eliminate B and D": the labels behind the verb are not chosen.
ELIMINATED = re.compile(
    r"\b(?i:(?:eliminat|exclud)e[sd]?|(?:discard|dismiss)(?:s|es|ed)?|rule[sd]? out|cross(?:ed)? out)"
    r"(?: (?:both|options?|choices?|answers?))?\s+(?:\(?[A-Z]\)?(?:,| or) ?)*(?:\(?[A-Z]\)?,? (?:and|or|&) )?\(?$"
)
# A denied label that ends a sentence. What follows is another label, or a sentence, but no further initial.
DENIED_LABEL = re.compile(
    r"(?:\b[Nn]ot|n['\u2019]t)(?: be| choose| pick| select)?(?: [Oo]ption| [Cc]hoice)? \(?(?P<label>[A-Z])\)?\."
    r"(?= +(?:\(?[A-Z]\b(?!\.)|[A-Z][a-z]))"
)
# In "easier than in a cave", the cave is no answer where another option is stated.
COMPARED = re.compile(r"\bthan\b[^,;.]*$", re.I)
NOT_BEHIND = re.compile(r", (?:and |but )?(?:not|rather than|instead of|unlike) [^,.;]+", re.I)
BEGIN = 40  # characters in which a text begins with an option, apart from signs
REASON = re.compile(r"\W*(?:because|since)\b", re.I)
PLACES = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}
PLACED = re.compile(
    rf"\W*(?:the )?({'|'.join(PLACES)})(?: (?:option|choice|answer|one)\b|(?=\W*$))(?=\W*$|[,:(] )", re.I
)
# What stands behind each option where an output goes through all of them.
MARKED_WRONG = re.compile(
    "[\u274c\u2717\u2718\u2716\u2715]|\\b(?:incorrect|wrong|false|not (?:correct|right|true|the))\\b", re.I
)
MARKED_RIGHT = re.compile("[\u2705\u2714\u2713\u2611]|\\b(?:correct|right|true)\\b", re.I)
BETWEEN = re.compile(r"\b[Bb]etween \(?[A-Z]\)? and \(?[A-Z]\)?(?!\w),?")
LISTED = re.compile(r"(?<=\b[A-Z])\)?,\s*(?=\(?[A-Z]\b)")  # commas between labels
LABELLED = re.compile(r"\s*[*-]?\s*(?:(?i:option|choice) )?\(?([A-Z])[.):]")
ECHOED = 3  # from this many labelled lines on, an output repeats the question's options
DENIAL = re.compile(
    r"\b(?:not|never|no|neither|nor|cannot|nothing|none|nobody|nowhere|hardly|doubt\w*|unlikely|impossible|incorrect"
    r"|rather than|instead of)\b|n['\u2019]t\b",
    re.I,
)
ALL_OF_THEM = re.compile(r"\b(?:all|none|any|both) of (?:the|these|them)\b|\bboth\b|\ball (?:are|four|three)\b", re.I)


def chosen(text: str, choices: Choices) -> str | None:
    """Return the label of the option that the text chooses, or None if it chooses none or several.

    The first rule that applies decides. The chosen option is the one that
    1. has the whole text as its text;
    2. is named behind the last "the answer is", by label, place or text;
    3. has the label that begins the final answer, or the place that is all of it ("the third option");
    4. is the only one whose label is called right;
    5. is the only one whose text the final answer states;
    6. is the only one whose label is named and not denied;
    7. is the only one whose content words are all in one sentence;
    8. is the only one that is marked right where the text goes through the options.
    The final answer is the whole text if no "the answer is" marks it. A text of labelled options alone is left to the
    last rule.
    """
    labels, text = _capitals(text, choices)
    found = _chosen(text, [(labels[label], option) for label, option in choices])
    return next((label for label, letter in labels.items() if letter == found), None)


FULL_WIDTH = {0xFF21 + place: letter for place, letter in enumerate(ascii_uppercase)}


def _capitals(text: str, choices: Choices) -> tuple[dict[str, str], str]:
    """Return for each label the sign that stands for it in the rules, and the text with these signs.

    The rules know capitals and digits. A small letter becomes a capital, and a longer label (i, ii) a letter from A.
    """
    labels, text = [label for label, _ in choices], text.translate(FULL_WIDTH)
    if all(re.fullmatch("[A-Z0-9]", label) for label in labels) or len(labels) > len(ascii_uppercase):
        return {label: label for label in labels}, text
    small = all(re.fullmatch("[a-z]", label) for label in labels)
    letters = {label: label.upper() if small else ascii_uppercase[place] for place, label in enumerate(labels)}
    behind = r"(?=\W*$|[.):,](?!\w)| (?:is|was|because|since|as)\b)" if small else r"(?![\w-])"
    longest = sorted(map(re.escape, labels), key=len, reverse=True)
    written = re.compile(rf"(?<![\w'\u2019.-])(?:{'|'.join(longest)}){behind}", 0 if small else re.I)
    known = {label.lower(): letter for label, letter in letters.items()}
    return letters, written.sub(lambda found: known.get(found[0].lower(), found[0]), text)


def _chosen(text: str, choices: Choices) -> str | None:
    whole = text
    text = _without_echo(text, choices)
    if not any(BETWEEN.search(option) for _, option in choices):
        text = BETWEEN.sub(" ", text)
    if not text.strip():
        return _marked(whole, choices)
    text = _after_denied(text, choices)
    if exact := _exactly(text, choices):
        return exact
    final = final_answer(text)
    if final != text and (found := _named(final, choices)):
        return found
    label = _begins_with(final, choices)
    if label is not None:
        return label or None
    return (
        _placed(final, choices)
        or _judged(text, choices)
        or _by_text(final, choices)
        or _only_label(text, choices)
        or _by_words(text, choices)
        or _marked(whole, choices)
    )


def _without_echo(text: str, choices: Choices) -> str:
    """Return the text without the question's options if it repeats them in labelled lines."""
    lines = text.split("\n")
    labelled = [LABELLED.match(line) for line in lines]
    repeated = {match[1] for match in labelled if match} & {label for label, _ in choices}
    if len(repeated) < ECHOED:
        return text
    return "\n".join(line for line, match in zip(lines, labelled, strict=True) if not match)


def _after_denied(text: str, choices: Choices) -> str:
    """Return the text with a new line after each denied label that ends a sentence ("It is not B. C is correct.").

    Otherwise, the label would count as an initial, and the next sentence would be denied, too. If the next sentence has
    the label's text, the two stay together: "It is not C. Plains are dry" denies the plains.
    """
    options = dict(choices)

    def split(match: re.Match[str]) -> str:
        own = options.get(match["label"])
        is_named = own is None or any(_text_in(own, statements(match.string[match.end() :])[0]))
        return match[0] if is_named else f"{match[0]}\n"

    return DENIED_LABEL.sub(split, text)


def _marked(text: str, choices: Choices) -> str | None:
    """Return the label of the only option that is marked right where the text goes through the options, or None."""
    right, wrong, options = set(), 0, dict(choices)
    for line in text.split("\n"):
        label = LABELLED.match(line)
        if label and label[1] in options:
            rest = line[label.end() :].replace(options[label[1]], " ")
            if MARKED_WRONG.search(rest):
                wrong += 1
            elif MARKED_RIGHT.search(rest):
                right.add(label[1])
    return right.pop() if len(right) == 1 and wrong else None


def _exactly(text: str, choices: Choices) -> str | None:
    """Return the label of the only option that is the whole text, or None. Signs count: -3 is not +3.

    Case counts if an option has the text's case: Rr is not rr. A text that is a label names no option by its text.
    """

    def plain(written: str) -> str:
        return re.sub(r"\s+", " ", written).strip(" .")

    said = plain(text)
    same = [label for label, option in choices if plain(option) == said]
    found = same or [label for label, option in choices if plain(option).casefold() == said.casefold()]
    return found[0] if len(found) == 1 and text.strip(" .").upper() not in dict(choices) else None


def _named(final: str, choices: Choices) -> str | None:
    """Return the label of the option that a final answer names by label or text."""
    if (label := _exactly(final, choices) or _begins_with(final, choices)) is not None:
        return label or None
    return _placed(final, choices) or _by_text(final, choices) or _only_label(final, choices)


def _placed(text: str, choices: Choices) -> str | None:
    """Return the label of the option whose place is the whole text ("the third option"), or None."""
    match = PLACED.match(text)
    if match is None or any({*normalized(match[1])} & {*normalized(option)} for _, option in choices):
        return None
    place = PLACES[match[1].lower()]
    return choices[place][0] if place < len(choices) else None


def _begins_with(text: str, choices: Choices) -> str | None:
    """Return the label that begins the text ("B", "(b)", "option D"), or None, also if it is denied ("B is wrong").

    Return "" if the words after the label are the text of another option.
    """
    match = re.match(
        r"[\s\"'*\[]*+((?i:(?:the\s+)?(?:answer|option|choice|letter))\s+)?[\"'\[]*(\(?)([A-Za-z0-9])(\)?)"
        r"(?![A-Za-z0-9]|['\u2019]\w)(.*)",
        text,
        re.S,
    )
    if not match:
        return None
    named, bracket, letter, closing, rest = match.groups()
    label = _label(letter.upper(), choices)
    if label is None or re.match(r"\.?\d", rest) or not (closing or _stands_alone(letter, bracket, rest, bool(named))):
        return None
    if REJECTED.match(rest) or TEMPTING.match(rest) or not asserted("", rest.split("\n")[0]):
        return None
    for behind in (rest, re.sub(rf"^\W*{re.escape(dict(choices)[label])}", "", rest, flags=re.I)):
        if (more := MORE.match(behind)) and more[1] in dict(choices):
            return None
    return "" if _contradicts(label, rest, choices) else label


def _stands_alone(letter: str, bracket: str, rest: str, named: bool) -> bool:
    """Return whether a letter is a label, rather than the article "A" or the pronoun "I".

    `named` says that a word such as "option" stands before it.
    """
    if named and letter.isupper():
        return True
    if (
        bracket
        or not rest.strip()
        or re.match(r"\s*[.:,;\-\u2013\u2014\])\n\"'=\u3000-\u9fff\uac00-\ud7af\uff00-\uffef]", rest)
    ):
        ended = re.match(r"[.:)\u3001\u3002\uff09\uff0e\uff1a]|[ .)]*$", rest)
        return letter.isupper() or bool(bracket) or ended is not None
    if VERDICT_AFTER.match(rest) or re.match(r"\s+(?:because|since|as|based on|due to|given)\b", rest):
        return not letter.islower()
    return letter.isupper() and letter not in "AI" and bool(re.match(r"\s+\S", rest))


def _label(letter: str, choices: Choices) -> str | None:
    """Return the label that a letter or a number from 1 stands for, or None."""
    labels = [label for label, _ in choices]
    if letter in labels:
        return letter
    return labels[int(letter) - 1] if letter.isdigit() and 0 < int(letter) <= len(labels) else None


def _contradicts(label: str, rest: str, choices: Choices) -> bool:
    """Return whether the text after a label is the text of another option."""
    after = normalized(re.split(r"\n|(?<=[.;])\s", rest.strip(" .:)-\u2013\u2014"), maxsplit=1)[0])
    if not after:
        return False
    own = normalized(dict(choices)[label])
    others = [normalized(text) for other, text in choices if other != label]
    return after != own and after in others


def _judged(text: str, choices: Choices) -> str | None:
    """Return the only label that is called right ("B is the best answer", "I choose B", "so option (b)"), or None."""
    found = set()
    for sentence in statements(text):
        for match in _labels_in(sentence, choices):
            before, after = sides(sentence, match)
            if ELIMINATED.search(before):
                continue
            if MORE.match(after):
                return None
            if TEMPTING.match(after):
                continue
            if (VERDICT_AFTER.match(after) or CHOSEN_BEFORE.search(before)) and asserted(before, after):
                found.add(match["label"].upper())
    return found.pop() if len(found) == 1 else None


# An article stands before a noun or an adjective, never before one of these.
NO_ARTICLE = re.compile(
    r"\s+(?:because|since|as|is|was|are|were|will|would|seems?|appears?|looks|and|or|but|over|from|if|that|which|with|due|"
    r"given|based|than|rather|instead|can|could|must|should|has|does|makes|gives|states|says|describes|fits|for|to|in)\b"
)


def _labels_in(sentence: str, choices: Choices) -> Iterator[re.Match[str]]:
    """Yield the labels in a sentence. Lower-case labels need brackets, and digits brackets or words that choose them.

    The article A, the pronoun I and a letter inside an option's text (Student A) do not count.
    """
    labels = "".join(label for label, _ in choices if len(label) == 1)
    if not labels:
        return
    # Chinese and Japanese have no space before and after a label.
    letter = r"A-Za-z0-9_\u00c0-\u052f'\u2019"
    pattern = rf"(?<![{letter}.-])\(?(?P<label>[{labels}{labels.lower()}])(?P<close>\)?)(?![{letter}])"
    texts = [match.span() for _, text in choices if len(text) > 3 for match in _text_in(text, sentence)]
    for match in re.finditer(pattern, sentence):
        letter, (before, after) = match["label"], sides(sentence, match)
        called = letter.isdigit() and (VERDICT_AFTER.match(after) or CHOSEN_BEFORE.search(before))
        is_word = letter in "AI" and re.match(r"\s+[a-z]", after) and not NO_ARTICLE.match(after)
        inside = any(start <= match.start("label") < end for start, end in texts)
        if not inside and (match["close"] or called or (letter.isupper() and not is_word)):
            yield match


def _text_in(option: str, sentence: str) -> Iterator[re.Match[str]]:
    words = r"\s+".join(map(re.escape, option.strip(" .").split()))
    return re.finditer(rf"(?<!\w){words}(?!\w)", sentence, re.I)


def _only_label(text: str, choices: Choices) -> str | None:
    """Return the only label that a text names without denying it, or None."""
    found: set[str] = set()
    for sentence in statements(LISTED.sub(" or ", text)):
        for match in _labels_in(sentence, choices):
            label = match["label"].upper()
            before, after = sides(sentence, match)
            if label in found or ELIMINATED.search(before) or REJECTED.match(after) or TEMPTING.match(after):
                continue
            if asserted(*around(sentence, match.start(), match.end())):
                found.add(label)
            if len(found) > 1:
                return None
    return found.pop() if found else None


def _by_text(text: str, choices: Choices) -> str | None:
    """Return the label of the only option whose text is stated, or None.

    Searches the whole text, then its first sentence, then its conclusion.
    """
    plain = canonical(text)
    parts, conclusions = statements(plain), list(CONCLUSION.finditer(plain))
    for part in (parts, parts[:1], statements(plain[conclusions[-1].end() :]) if conclusions else []):
        every = {kind for sentence in part for kind in _kinds_of_all(sentence)}
        named = [label for label, option in choices if every & set(_kinds_of_all(canonical(option)))]
        if named or every - {"both"}:  # "both" is often said of other things
            return named[0] if len(named) == 1 else None
        if first := _reasoned(part, choices) or _bare_number(part, choices):
            return first
        stated = _stated(part, choices)
        if len(stated) == 1:
            return stated.pop()
    return None


def _reasoned(parts: Sequence[str], choices: Choices) -> str | None:
    """Return the label of the option whose text begins the first sentence and has its reason behind it, or None."""
    if not parts:
        return None
    began = [
        (end, label)
        for label, answer in _forms(choices)
        for start, end in mentions(parts[0], (answer,))
        if start < BEGIN and not re.search(r"\w", re.sub(r"^\W*(?:the|an?)\b", "", parts[0][:start], flags=re.I))
    ]
    end, label = max(began, default=(0, ""))
    return label if REASON.match(parts[0], end) else None


def _bare_number(parts: Sequence[str], choices: Choices) -> str | None:
    """Return the label of the only option that has a number, if this number is the whole text. Its unit may lack."""
    if len(parts) != 1 or not (number := re.fullmatch(r"\W*?(-?\d+(?:\.\d+)?)\W*", parts[0])):
        return None
    numbers = [(label, re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?", canonical(option))) for label, option in choices]
    found = [label for label, some in numbers if some == [number[1]]]
    return found[0] if len(found) == 1 else None


def _kinds_of_all(sentence: str) -> Iterator[str]:
    """Yield "all", "none", "any" or "both" for "all of these" and the like, if the sentence asserts it."""
    for match in ALL_OF_THEM.finditer(sentence):
        if asserted(*around(sentence, match.start(), match.end())):
            yield match[0].split()[0].lower()


def _stated(sentences: Sequence[str], choices: Choices) -> set[str]:
    """Return the labels of the options whose texts are stated, and not as one side of an "or".

    A mention inside another option's mention does not count ("carbon" in "carbon dioxide").
    """
    found: set[str] = set()
    answers = _forms(choices)
    for sentence in sentences:
        places = [
            (start, end, label)
            for label, answer in answers
            for start, end in mentions(sentence, (answer,))
            if asserted(*around(sentence, start, end))
        ]
        outer = [
            (start, label)
            for start, end, label in places
            if not any(s <= start and end <= e and (s, e) != (start, end) for s, e, _ in places)
        ]
        found |= {label for start, label in outer if not COMPARED.search(sentence[max(0, start - NEAR) : start])} or {
            label for _, label in outer
        }
    return found


def _forms(choices: Choices) -> list[tuple[str, Answer]]:
    """Return what to look for. Where only case or signs tell options apart (Rr, rr), their spelling has to be exact."""
    words = Counter(normalized(text) for _, text in choices)
    return [
        (
            label,
            answer_form(text)
            if words[normalized(text)] == 1
            else Answer((), exactly=canonical(text).strip(" ."), capitals=False),
        )
        for label, text in choices
        if len(text.strip()) > 1 or text.strip().isdigit() or words[normalized(text)] > 1
    ]


def _by_words(text: str, choices: Choices) -> str | None:
    """Return the label of the only option whose content words are all in one sentence without a denial, or None.

    If there is none, words that all options share may be missing: "it is buoyant" for "wood is buoyant".
    """
    positive = (NOT_BEHIND.sub("", sentence) for sentence in statements(text))
    said = [content(canonical(sentence)) for sentence in positive if not DENIAL.search(sentence)]
    options = {label: content(canonical(option)) for label, option in choices}
    shared = frozenset.intersection(*map(frozenset, options.values())) if options else frozenset()
    for left_out in (frozenset(), shared):
        meant = [
            label
            for label, words in options.items()
            if (wanted := words - left_out) and any(wanted <= sentence for sentence in said)
        ]
        if meant:
            return meant[0] if len(meant) == 1 else None
    return None
