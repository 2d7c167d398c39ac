"""Filters for pairs that a capable teacher wrote from whole documents.

They refuse only what a careful reader would refuse at sight. Commands, lists, tables, code, quotations, letters and an
exemplar's own form ("Answer:", "Let's think step by step") are all right. What words cannot show, such as whether one
of several documents is enough, is left to the evidence of later stages.
"""

import difflib
import re
from collections.abc import Callable

from rag_instruct.language import language_of, other_language
from rag_instruct.paradigms import WITH_ANSWER
from rag_instruct.reasons import Fault, Reason
from rag_instruct.synthesis.focus import Focus, texts_of
from rag_instruct.synthesis.grounding import unsupported_name, unsupported_names, unsupported_number
from rag_instruct.synthesis.other_languages import OTHER_CHOICES, UNFINISHED, VERDICTS, VERDICTS_INSIDE
from rag_instruct.synthesis.sentence_filters import answer_in_document
from rag_instruct.synthesis.wording import holds_text, mentions_documents, points_at_nothing, refusal
from rag_instruct.words import WITHOUT_SPACES, content, count_words, fold, marks, options_of, stem_of, substance
from rag_instruct.worked_examples import has_worked_examples

WITHOUT_ANSWER = ("useless_doc", "single_doc_support")  # paradigms whose only document must not state the answer

TEMPLATE = re.compile(r"\{(documents?|exemplar|question|answer|simulation)\}")
NUMBERED = re.compile(r"</?instruction>|\bdocuments? [1-9]\b", re.I)
DAMAGED = re.compile("\ufffd|\u00e2\u20ac|\u00c3[\u00a4\u00a8\u00a9\u00b1\u00b6\u00bc]")  # UTF-8 read as Latin-1
# The ends of texts that were cut off. Capitals do not match, because "vitamin A" and "the gate AND" are whole.
# A question may end in "with" or "of", an answer may not; see UNFINISHED.
QUESTION_CUT = re.compile(
    r"(?<![\w'\u2019-])(a|an|the|and|or|because|its|their|his|my|your|and (how many|how much|which|whose))$"
)
ENDS_OPEN = ",:\uff0c\uff1a\uff1b\u3001\u060c"
COMPLETION = re.compile(r"\b(complet\w+|continue|continuation|finish|fill|blank|gap)\b|_{2,}|\.\.\.|…", re.I)
# A word eight times in a row, or several words five times in a row.
LOOP = re.compile(r"\b([^\W\d]\w*)(?:\W+\1\b){7}|\b([^\W\d]\w*(?:\W+\w+){1,11})(?:\W+\2\b){4}", re.I)

EMPTY_ITEM = re.compile(r"\s*(?:\d{1,3}[.)]|[-*\u2022])\s*")
ITEM = re.compile(r"\s*(?:\d{1,3}[.)]|[-*\u2022])\s+\S")
# Lines that only a text of several questions or tasks has
QUESTION_LABEL = re.compile(r"^\W{0,5}(?P<label>question|q|instruction|task)\W{0,3}:\W{0,3}(?P<asked>.*)$", re.I | re.M)
ANSWER_LABEL = re.compile(r"^\W{0,5}(?:answer|a|response|output)\W{0,3}:", re.I | re.M)
ABOUT_QUESTIONS = re.compile(
    r"\b(questions?|quiz\w*|q ?& ?a|faqs?|interview\w*|dialogue?|conversation|chat|trivia|(?:flash ?)?cards?"
    r"|riddles?|exam\w*|tests?|worksheet|exercises?|tasks?|jokes?|instructions?|prompts?|script|scene|transcript)\b",
    re.I,
)

# Questions that may offer what to choose from: any comma or "and" counts, so that no choice is refused
CHOICES = re.compile(
    rf"\b(or|and|versus|vs|than|between|whether)\b|,|\n\s*(?:[-*•]|\(?\w{{1,2}}[.):])\s|{OTHER_CHOICES}",
    re.I,
)
# Questions for a verdict, and answers that begin with one
YES_OR_NO = re.compile(r"^\W*(is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|must)\b", re.I)
VERDICT = re.compile(
    rf"^\W*(?:(?:yes|no|true|false|correct|incorrect|right|wrong|supported|refuted|{VERDICTS})(?!\w)|{VERDICTS_INSIDE})",
    re.I,
)


def malformed(question: str, answer: str, texts: str) -> str:
    """Return what is broken in the question or the answer, or "": a cut, a loop, a part of the prompt, damage."""
    for name, text in (("question", question), ("answer", answer)):
        if _repeats(text):
            return f"{name} repeats itself"
        if (found := NUMBERED.search(text)) and found[0].lower() not in texts.lower():
            return f"{name} has {found[0]!r}"
        if DAMAGED.search(text) and not DAMAGED.search(texts):
            return f"{name} has damaged letters"
    if found := TEMPLATE.search(question):
        return f"question has {found[0]!r}"
    if not _words_of(question):
        return "question names nothing"
    if QUESTION_CUT.search(question.strip()) and not COMPLETION.search(question):
        return "question is cut off"
    return "answer is cut off" if _cut_off(answer) else _labelled_again(question, answer)


def _repeats(text: str) -> bool:
    """Say whether a text has a loop, or three times in a row a sentence of five words, unless in lines as in a song."""
    said = [" ".join(one.lower().split()) for one in re.split(r"(?<=[.!?]) +", text)]
    thrice = (one for one, *others in zip(said, said[1:], said[2:], strict=False) if others == [one, one])
    return any(one.count(" ") >= 4 for one in thrice) or bool(LOOP.search(text))


def _labelled_again(question: str, answer: str) -> str:
    """Say that the answer has the question again behind a label, or another question with its answer; else "".

    If the question speaks of questions, a test or the like, it asks for labels.
    """
    asked, may_ask = fold(question), ABOUT_QUESTIONS.search(question)
    last_answer = max((found.start() for found in ANSWER_LABEL.finditer(answer)), default=-1)
    for found in QUESTION_LABEL.finditer(answer):
        if fold(found["asked"]) == asked or (found.end() <= last_answer and not may_ask):
            return f"answer has {found['label']!r}"
    return ""


def _cut_off(answer: str) -> bool:
    """Say whether the last line ends like half a sentence, or is an item without text, or a code block has no end.

    A short last line may be a closing ("Yours sincerely,"). If other lines end in the same way, the text may be verse.
    """
    if answer.count("```") % 2:
        return True
    *lines, last = answer.strip().splitlines()
    if EMPTY_ITEM.fullmatch(last) and any(ITEM.match(line) for line in lines):
        return True
    if "```" in answer or count_words(last) <= 4 or last.lstrip().startswith(("|", "-", "*", "#", "{", "<")):
        return False
    others_alike = any(_ends_open(line, answer) for line in lines if count_words(line) > 4)
    return _ends_open(last, answer) and not others_alike


def _ends_open(line: str, answer: str) -> bool:
    """Say whether a line of an answer ends with a comma, or with a word that ends no sentence of its language."""
    last = line.split()[-1].lstrip('("\u201c\u00ab')
    if last.endswith(tuple(ENDS_OPEN)):
        return True
    if not any(last in words for words in UNFINISHED.values()):
        return False
    return last in UNFINISHED.get(language_of(answer), UNFINISHED["en"])


def exemplar_repeated(question: str, exemplar: str) -> bool:
    """Say whether the question is the exemplar with hardly a word changed. Its phrasing may and should be alike."""
    mine, theirs = content(stem_of(question)), content(stem_of(exemplar))
    return fold(question) == fold(exemplar) or (len(mine) > 2 and len(mine & theirs) / len(mine | theirs) > 0.85)


def answer_in_question(question: str, answer: str) -> bool:
    """Say whether the answer adds nothing to the question.

    Verdicts and choices do not count, because their questions hold the answer by nature.
    """
    asked, said = fold(question).split(), fold(answer).split()
    if asked == said:
        return True
    if VERDICT.match(answer) or YES_OR_NO.match(question):
        return False
    if _is_respelled(asked, said):
        return True
    if CHOICES.search(question) or holds_text(question):
        return False
    if WITHOUT_SPACES.search(answer):  # each character is a word, so only their order makes a word
        return " ".join(said) in " ".join(asked)
    words = content(answer)
    return bool(words) and words <= content(question)


def _is_respelled(asked: list[str], said: list[str]) -> bool:
    """Say whether the answer is most of the question again, in other spelling, as in an exercise.

    Six words or more, of which at most 40 % differ from the question, and only in some letters.
    """
    if len(said) < 6 or len(said) < 0.5 * len(asked):
        return False
    match = difflib.SequenceMatcher(None, asked, said, autojunk=False)
    kept = {place for block in match.get_matching_blocks() for place in range(block.b, block.b + block.size)}
    changed = [word for place, word in enumerate(said) if place not in kept]
    return len(changed) <= 0.4 * len(said) and all(difflib.get_close_matches(word, asked, 1, 0.7) for word in changed)


def options_unusable(question: str, answer: str) -> bool:
    """Say whether two lettered options are the same, or the answer names none of several.

    Options are not compared if one has a question mark, because they may differ in their punctuation only.
    """
    options = options_of(question)
    if len(options) < 2:
        return False
    texts = [fold(option) for option in options.values()]
    if len(set(texts)) < len(texts) and "?" not in "".join(options.values()):
        return True
    letters = "".join(options)
    letter_named = re.search(rf"(?:^|[\s(*\"'])[{letters}](?=[\s.,:;)*\"']|$)", answer)
    return not letter_named and not any(_is_named(option, answer) for option in options.values())


def _is_named(option: str, answer: str) -> bool:
    """Say whether an answer has an option's text, or most of its words."""
    words = content(option)
    return fold(option) in fold(answer) or (bool(words) and len(words & content(answer)) >= 0.6 * len(words))


def off_topic(paradigm: str, question: str, answer: str, texts: str) -> bool:
    """Say whether a question has no word in common with documents that are to answer it.

    In support rows, the answer's words count as well as the question's. The result is False for useless_doc, for texts
    in two languages, and for questions of very few words, because none of these can be judged.
    """
    if paradigm == "useless_doc" or not _same_language(f"{question} {answer}", texts):
        return False
    asked = _words_of(question if paradigm in WITH_ANSWER else f"{question} {answer}")
    known = _words_of(texts)
    if len(asked) < 3 and not marks(question):
        return False
    return not asked & known and not any(difflib.get_close_matches(word, known, 1, 0.75) for word in asked)


def _words_of(text: str) -> set[str]:
    """Return the words of a text, and single syllables of Korean, whose words have particles at their end."""
    return content(text) | set(re.findall(r"[\uac00-\ud7af]", text))


def stated_already(question: str, answer: str, focus: Focus) -> bool:
    """Say whether a document states the answer. An answer without words of its own cannot be judged."""
    added = content(substance(answer)) - content(stem_of(question))
    return bool(added) and answer_in_document(question, answer, focus.sources)


def ungrounded(question: str, answer: str, texts: str) -> str:
    """Return the number or the names of the answer that its documents do not support, or ""."""
    if number := unsupported_number(answer, question, texts):
        return number
    if not _same_language(answer, texts):
        return ""
    return unsupported_name(answer, question, texts) or ", ".join(unsupported_names(answer, question, texts))


def _same_language(text: str, texts: str) -> bool:
    return not other_language(text, language_of(texts))


def document_fault(paradigm: str, question: str, answer: str, exemplar: str, focus: Focus) -> Fault | None:
    """Return the first reason to reject a pair, with what was found, or None."""
    texts = texts_of(focus.sources)
    checks: dict[Reason, Callable[[], str | bool]] = {
        Reason.MALFORMED: lambda: malformed(question, answer, texts),
        Reason.WORKED_EXAMPLE: lambda: has_worked_examples(question),
        Reason.REFUSAL: lambda: refusal(question, answer, texts),
        Reason.COPIES_EXEMPLAR: lambda: exemplar_repeated(question, exemplar),
        Reason.NOT_STANDALONE: lambda: mentions_documents(question, answer) or points_at_nothing(question),
        Reason.BAD_OPTIONS: lambda: options_unusable(question, answer),
        Reason.ANSWER_IN_QUESTION: lambda: answer_in_question(question, answer),
        Reason.OFF_TOPIC: lambda: off_topic(paradigm, question, answer, texts),
        Reason.UNGROUNDED: lambda: paradigm in WITH_ANSWER and ungrounded(question, answer, texts),
        Reason.ANSWER_IN_DOCUMENT: lambda: paradigm in WITHOUT_ANSWER and stated_already(question, answer, focus),
    }
    for reason, check in checks.items():
        if found := check():
            return Fault(reason, found if isinstance(found, str) else "")
    return None
