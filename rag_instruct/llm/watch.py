"""Watches what a stage gets for its money, and stops it when many bought answers in a row are of no use."""

from collections import Counter

from rag_instruct.errors import UserError
from rag_instruct.llm.session import Session
from rag_instruct.reasons import Fault, Reason

FIRST = 40  # useless answers in a row after which a stage stops that has had at most one useful answer
LATER = 400  # the same for a stage that has had more


class YieldWatch:
    """Counts useless answers in a row. Stored answers do not count, so each run tries some more.

    `limit` is the number of useless answers at which the stage stops if no useful one comes before.
    """

    def __init__(self, what: str, buyer: Session, limit: int = FIRST) -> None:
        self._what, self._buyer = what, buyer
        self._faults: Counter[Fault] = Counter()
        self._bought, self._limit = buyer.bought, limit
        self._texts: set[str] = set()
        self._useful = limit >= LATER

    def useful(self, text: str) -> None:
        """Note a useful answer. A `text` that came before is a useless one, so this may raise as `useless` does."""
        if text and text in self._texts:
            self.useless(Fault(Reason.REPEATED_QUESTION, "the teacher gives the same answer to different requests"))
            return
        # One useful answer may be the first of many that are the same.
        self._limit = LATER if self._useful else FIRST
        self._useful = True
        self._texts.add(text)
        self._faults.clear()
        self._bought = self._buyer.bought

    def useless(self, fault: Fault) -> None:
        """Note a useless answer. Raise UserError if there are too many in a row."""
        self._faults[fault] += 1
        count = self._faults.total()
        if count < self._limit or self._buyer.bought - self._bought < self._limit:
            return
        ((common, most),) = self._faults.most_common(1)
        raise UserError(
            f"{self._what}: {count} answers in a row were of no use, so this stage stops and buys no more. The most "
            f"frequent reason, {most} times: {common}. {common.reason.remedy} What was bought is kept; the next run "
            f"tries {self._limit} more"
        )
