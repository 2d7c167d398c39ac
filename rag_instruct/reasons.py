"""The reasons to reject records, exemplars, candidates and rows: what each means, and what to change."""

from enum import StrEnum
from typing import NamedTuple

# The stages that reject something, in the order of the pipeline.
READING = "Records of instruction sets"
DRAWING = "Exemplars that are drawn"
FILTERING = "Exemplars that are filtered"
ASKING = "Candidates without a pair"
PAIRS = "Pairs"
ROWS = "Rows"
STAGES = (READING, DRAWING, FILTERING, ASKING, PAIRS, ROWS)

_TEACHER = "Use a stronger teacher, or raise `tries`."
_SET = "Nothing; draw from a larger set if too few are left."
_CORPUS = "Raise `tries` or `exemplars`, or use a corpus with more passages on each subject."
_FILTER = "Nothing; raise the set's number in `exemplars` if too few are left."


class Reason(StrEnum):
    """A reason; its value is the short name that files and reports use."""

    stage: str
    meaning: str
    remedy: str  # what to change if this reason rejects too much

    def __new__(cls, name: str, stage: str, meaning: str, remedy: str) -> "Reason":
        """Return a member whose value is the short name."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.stage, member.meaning, member.remedy = stage, meaning, remedy
        return member

    def __repr__(self) -> str:
        """Return the name as a text, for counts in the log."""
        return repr(self.value)

    NO_HUMAN_TURN = (
        "no human turn",
        READING,
        "The conversation has no turn of a human.",
        "List the set's names for the human role under `fields.human`.",
    )
    LATER_PART = "later part", READING, "The record is a later part of a conversation that was cut into several.", _SET
    LABELLED_LANGUAGE = "labelled as another language", READING, "The set labels the conversation as not English.", _SET
    REDACTED = "redacted", READING, "The set says that names in the conversation were replaced.", _SET
    FLAGGED = "flagged by moderation", READING, "The set says that moderation flagged the conversation.", _SET
    EMPTY_INSTRUCTION = "empty instruction", READING, "The instruction has no text.", _SET
    WRONG_SCHEMA = (
        "wrong schema",
        READING,
        "The record does not have the set's schema.",
        "Correct the set's `schema` or `fields`; the log shows the first such record.",
    )

    TOO_SHORT = (
        "too short",
        DRAWING,
        "The instruction has fewer characters than allowed.",
        "Lower the first number of `cleaning.characters`.",
    )
    TOO_LONG = (
        "too long",
        DRAWING,
        "The instruction has more characters than allowed.",
        "Raise the second number of `cleaning.characters`.",
    )
    REPEATED = "repeated", DRAWING, "An earlier exemplar has the same words.", _SET
    WORKED_EXAMPLES = "worked examples", DRAWING, "The instruction solves examples before its task.", _SET
    ANOTHER_LANGUAGE = (
        "another language",
        DRAWING,
        "The text is surely in another language than config.yaml asks for.",
        "Change `cleaning.language` for exemplars, `quality_filters.language` for rows.",
    )
    IN_A_BENCHMARK = (
        "in a benchmark",
        DRAWING,
        "The text has 13 consecutive words of a benchmark's question, or all of a shorter one.",
        "Nothing. Remove a benchmark from `decontaminate` only if you do not evaluate on it.",
    )
    NEAR_DUPLICATE = (
        "near duplicate",
        DRAWING,
        "The text shares most of its word pairs with an earlier text.",
        "Raise `cleaning.near_duplicates` for exemplars, `quality_filters.near_duplicates` for rows.",
    )

    CODE = "code", FILTERING, "The instruction asks for a program.", _FILTER
    ARITHMETIC = "arithmetic", FILTERING, "The instruction asks for a calculation or a puzzle's solution.", _FILTER
    CREATIVE = "creative", FILTERING, "The instruction asks for invented text.", _FILTER
    TEXT = "text", FILTERING, "The instruction asks to edit or analyse a given text, or asks about words.", _FILTER
    PERSONAL = "personal", FILTERING, "The instruction is about the user's life or about the assistant.", _FILTER
    CURRENT = "current", FILTERING, "The instruction asks for the latest, the most popular or today's state.", _FILTER
    SMALL_TALK = "small talk", FILTERING, "The instruction is a greeting or similar.", _FILTER
    INCOMPLETE = "incomplete", FILTERING, "The instruction needs an attachment, a link or an earlier message.", _FILTER
    NO_QUESTION = "no question", FILTERING, "The instruction asks nothing and names nothing.", _FILTER

    NO_DOCUMENTS = (
        "no documents",
        ASKING,
        "The exemplar's search found no documents that suit the paradigm, or only short ones.",
        "Raise `source_depth`, lower `source_words`, draw more exemplars, or use a corpus that fits them.",
    )
    NO_SENTENCE = (
        "no usable sentence",
        ASKING,
        "Compact prompts ask about parsed sentences, and those of the exemplar's documents have no fact, or no further "
        "one, that suits the paradigm.",
        "Use texts with dates, numbers, places and names, or `prompts: full` with a model of at least 1 to 4 "
        "billion parameters, on a server of your own or of a provider: docs/own_teacher.md has recipes.",
    )
    NO_LINK = (
        "no linked documents",
        ASKING,
        "No passage near the exemplar's first documents is linked to one of them: neither names the other's article.",
        "If rows are missing, raise `multi_documents.first_documents` or `multi_documents.depth`, draw more "
        "exemplars, or set `multi_documents.choose` to `next_hits`. Otherwise nothing: the next exemplar was tried "
        "at no cost.",
    )
    NO_ANSWER = (
        "no answer",
        ASKING,
        "The endpoint refused the request for good; `detail` has its message.",
        "Read `detail`. Often the documents are too long for the model, or a content filter stopped the request.",
    )
    UNFINISHED = (
        "unfinished",
        ASKING,
        "The model did not finish its reply; `detail` has the finish reason.",
        "If `detail` is `length`, raise the prompt's `max_tokens` or the teacher's `reasoning_tokens`.",
    )
    REFUSED = (
        "refused",
        ASKING,
        "The model refused to answer, in the reply's refusal field.",
        "Use another teacher, or exemplars of another set.",
    )
    SKIPPED = "skipped", ASKING, "The teacher found no natural question over the documents.", _CORPUS
    UNPARSABLE = (
        "unparsable",
        ASKING,
        "The reply does not have the format that the prompt asks for.",
        "Use a teacher that follows JSON schemas, or the compact prompts.",
    )

    NOT_OFFERED = (
        "not offered",
        ASKING,
        "The reply is none of the wordings that the prompt offered.",
        "Use a server that keeps to the pattern of the request.",
    )

    EMPTY = "empty", PAIRS, "The question or the answer has no text.", _TEACHER
    MALFORMED = (
        "malformed",
        PAIRS,
        "The question or the answer is cut off, repeats itself, or has parts of the prompt.",
        _TEACHER,
    )
    WORKED_EXAMPLE = (
        "worked example",
        PAIRS,
        "The question solves an example before it asks, as the exemplar did.",
        "Use a stronger teacher, or set `cleaning.worked_examples` to true.",
    )
    REFUSAL = "refusal", PAIRS, "The answer says in words that it cannot answer.", _TEACHER
    NOT_DECLINED = (
        "not declined",
        PAIRS,
        "The row should decline, but its answer does not say that something is missing, it states a number or a "
        "name that question and remaining documents lack, or it is malformed; `detail` has it.",
        _TEACHER,
    )
    BAD_CITATIONS = (
        "bad citations",
        PAIRS,
        "The answer cites a document that it did not use, or none at all. If documents state the answer, also: it does "
        "not cite one that it used, or a sentence has no citation. `detail` says which.",
        _TEACHER,
    )
    COPIES_EXEMPLAR = (
        "copies exemplar",
        PAIRS,
        "Question and exemplar have nearly all of their words in common; with compact prompts, most.",
        _TEACHER,
    )
    NOT_STANDALONE = (
        "not standalone",
        PAIRS,
        "The question or the answer mentions a document, or the question refers to something that it does not name.",
        _TEACHER,
    )
    BAD_OPTIONS = (
        "bad options",
        PAIRS,
        "Two options are equal, there is only one, or the answer is not one of them.",
        _TEACHER,
    )
    ANSWER_IN_QUESTION = "answer in question", PAIRS, "The question already has all words of the answer.", _TEACHER
    OFF_TOPIC = "off topic", PAIRS, "Question and documents that should help have no word in common.", _TEACHER
    UNGROUNDED = (
        "ungrounded",
        PAIRS,
        "The documents lack a number of the answer, or at least half of its names; `detail` has them. What can be "
        "computed counts as stated.",
        _TEACHER,
    )
    ANSWER_IN_DOCUMENT = (
        "answer in document",
        PAIRS,
        "The paradigm needs a document without the answer, but the document seems to state it.",
        _TEACHER,
    )
    ONE_IS_ENOUGH = (
        "one document is enough",
        PAIRS,
        "The paradigm needs several documents, but one of them has the whole answer, or the teacher used only one.",
        _TEACHER,
    )
    FIRST_UNUSED = (
        "first document unused",
        PAIRS,
        "The teacher left document 1 unused, so nothing links the documents that it used.",
        _TEACHER,
    )
    REPEATED_QUESTION = (
        "repeated question",
        PAIRS,
        "An earlier pair or row has the same question, or with compact prompts the same answer.",
        "Draw more exemplars, or use a larger corpus.",
    )

    TOO_FEW_NOISE = (
        "too few noise documents",
        ROWS,
        "The question's search found too few documents that can be noise.",
        "Lower `noise.beyond` or `documents`, raise `noise.depth` (it adds none with `choose: random`), or use a "
        "larger corpus.",
    )
    QUESTION_LENGTH = (
        "question length",
        ROWS,
        "The question has fewer or more words than allowed.",
        "Change `quality_filters.question_words`.",
    )
    ANSWER_LENGTH = (
        "answer length",
        ROWS,
        "The answer has fewer or more words than allowed.",
        "Change `quality_filters.answer_words`.",
    )
    SIMILAR_QUESTION = (
        "similar question",
        ROWS,
        "The question's vector is close to that of an earlier question.",
        "Raise `quality_filters.similar_questions`.",
    )
    WRONG_PARADIGM = (
        "wrong paradigm",
        ROWS,
        "Verification or evidence found another paradigm; `detail` names it.",
        "Use a stronger teacher, or set `failing` of `verification` or `evidence` to `relabel`.",
    )
    DOUBTFUL_REFERENCE = (
        "doubtful reference",
        ROWS,
        "The judge of the verification says that the row's own answer is wrong; `detail` has the judge's answer.",
        "Read some of these rows; use a stronger teacher.",
    )
    ANSWER_IN_NOISE = (
        "answer in noise",
        ROWS,
        "Verification or evidence found the answer in noise documents; `detail` has their ids.",
        "Raise `noise.beyond`, or set `noise.choose` to `window` if it is `hard` or `mixed`.",
    )
    SURPLUS = (
        "surplus",
        ROWS,
        "The paradigm already has the wanted number of rows.",
        "Nothing; lower `oversample` to buy fewer rows.",
    )


# Reasons to reject a candidate before the teacher is asked: it costs nothing and is none of the `tries`.
WITHOUT_REQUEST = (Reason.NO_DOCUMENTS, Reason.NO_LINK, Reason.NO_SENTENCE)


class Fault(NamedTuple):
    """A reason with its detail."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        """Return reason and detail for a message."""
        return f"{self.reason} ({self.detail})" if self.detail else str(self.reason)


_BY_NAME = {str(one): one for one in Reason}


def explain(reason: str) -> Reason | None:
    """Return the reason with this short name, or None for a category of the user's own prompt."""
    return _BY_NAME.get(reason)


def glossary() -> str:
    """Return the section of docs/glossary.md about reject reasons."""
    parts = ["## Reject reasons", "`counts.json`, the files of rejects and the report use these names."]
    for stage in STAGES:
        lines = [f"| {one} | {one.meaning} | {one.remedy} |" for one in Reason if one.stage == stage]
        parts.append("\n".join([f"### {stage}", "", "| reason | meaning | what to change |", "|---|---|---|", *lines]))
    return "\n\n".join(parts) + "\n"
