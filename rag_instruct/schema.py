"""The records of the pipeline. Each type has one owner, here."""

from dataclasses import dataclass
from typing import Any

Exemplar = dict[str, Any]  # id, source, row, license, instruction; a dropped one also reason and maybe detail
Pair = dict[str, Any]  # a question and an answer with their origin
Row = dict[str, Any]
Verdict = dict[str, Any]  # id, intended, proven, reason (None: passed), evidence, request_keys


@dataclass(frozen=True)
class Question:
    """One question of a benchmark, as every later stage sees it."""

    id: str
    question: str  # what is asked, the conversation so far included where there is one
    answers: tuple[str, ...]  # what is accepted; of a choice, the label
    choices: tuple[tuple[str, str], ...] = ()  # label and text: A, B, C, ...; of a closed set, each word twice
    documents: tuple[str, ...] = ()  # its own context, "title\ntext" each
    gold_titles: tuple[str, ...] = ()  # of the passages that have the answer, where they are known
    gold_passage_ids: tuple[str, ...] = ()

    @property
    def asked(self) -> str:
        """The question as a model reads it: options under it, or the few words that may be the answer."""
        labels = [label for label, _ in self.choices]
        if labels and all(label == text for label, text in self.choices):
            return f"{self.question}\nAnswer {', '.join(labels[:-1])} or {labels[-1]}."
        return "\n".join([self.question, *(f"{label}. {text}" for label, text in self.choices)])
