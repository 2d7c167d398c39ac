"""The unit of retrieval."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Passage:
    """A piece of an article, as DPR cuts them: about 100 words."""

    id: str
    title: str
    text: str

    @property
    def document(self) -> str:
        """The passage as a row of the data set shows it, and as the teacher reads it."""
        return f"{self.title}\n{self.text}" if self.title else self.text
