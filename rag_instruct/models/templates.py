"""Write documents and a question as one prompt. Training uses several styles, so that models do not learn only one."""

from collections.abc import Sequence
from typing import NamedTuple

from rag_instruct.files import digest

DOCUMENT_FORMATS = (
    "[{number}] {text}",
    "Document {number}:\n{text}",
    "Passage {number}: {text}",
    "<document id={number}>\n{text}\n</document>",
    "- {text}",
)

PROMPTS = (
    "{documents}\n\n{question}",
    "Documents:\n{documents}\n\nQuestion: {question}",
    "### Paragraphs\n{documents}\n\n### Instruction\n{question}",
    "Some of these documents may be of use for the instruction below.\n\n{documents}\n\nInstruction: {question}",
    "Reference material:\n\n{documents}\n\nUse it where it helps.\n\n{question}",
    "{question}\n\nWhat a search found:\n{documents}",
)


class Style(NamedTuple):
    """One way to write a prompt: format strings for a document and for the prompt."""

    document: str
    prompt: str

    def render(self, question: str, documents: Sequence[str]) -> str:
        """Return the user message. Without documents, it is the question alone."""
        if not documents:
            return question
        written = [self.document.format(number=number, text=text) for number, text in enumerate(documents, start=1)]
        return self.prompt.format(question=question, documents="\n\n".join(written))


NUMBERED = "{number}"
STYLES = tuple(Style(document, prompt) for prompt in PROMPTS for document in DOCUMENT_FORMATS)
DEFAULT = Style(DOCUMENT_FORMATS[1], PROMPTS[1])  # the style of evaluation and scripts/ask.py


def style_of(row_id: str, seed: str, numbered: bool = False) -> Style:
    """Return a row's prompt style. It depends only on id and seed, so it is the same in every run and process.

    With `numbered`, only styles that number the documents are drawn, because the answer cites them by number.
    """
    styles = [style for style in STYLES if NUMBERED in style.document] if numbered else STYLES
    return styles[int(digest(seed, "style", row_id)[:8], 16) % len(styles)]
