"""Stops a job that pays for nothing."""

from collections import Counter, deque

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import KEPT

RECENT = 100  # attempts that the early stop considers
ENOUGH = 40  # attempts before the early stop may happen


class Losses:
    """The last attempts of a job. When half of them were charged and brought nothing, the job stops."""

    def __init__(self) -> None:
        self._recent: deque[str] = deque(maxlen=RECENT)  # the fault, or "" for an attempt that lost nothing

    def note(self, fault: str = "") -> None:
        """Count an attempt, with its fault if it was charged for nothing. Raise UserError when half of them were."""
        self._recent.append(fault)
        if not fault or len(self._recent) < ENOUGH:
            return
        faults = Counter(filter(None, self._recent))
        if 2 * faults.total() >= len(self._recent):
            common = ", ".join(f"{count} x {fault}" for fault, count in faults.most_common(4))
            raise UserError(
                f"{faults.total()} of the last {len(self._recent)} attempts failed ({common}), and may be charged: "
                f"stopped; {KEPT}"
            )
