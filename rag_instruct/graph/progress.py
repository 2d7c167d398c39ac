"""Count the progress of a run: jobs, rate and time left of each stage, and the money spent. Draws nothing."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.budget import BudgetAccount
from rag_instruct.llm.session import account_of


@dataclass(frozen=True)
class Job:
    """A job of the run: its number in Snakemake, its rule, and a label made of its wildcards."""

    number: int
    rule: str
    label: str


@dataclass
class Stage:
    """The jobs of one rule. The rate only counts time in which at least one of them runs."""

    rule: str
    total: int = 0
    done: int = 0
    failed: dict[int, str] = field(default_factory=dict)  # message by job number
    at_work: dict[int, str] = field(default_factory=dict)  # label by job number
    _busy: float = 0.0
    _since: float = 0.0

    def begin(self, job: Job, now: float) -> None:
        """Record that a job starts for the first time or again."""
        self._since = self._since if self.at_work else now
        self.at_work[job.number] = job.label
        self.failed.pop(job.number, None)

    def end(self, job: Job, now: float, log: str | None = None) -> None:
        """Record that a job ends. A failed job has a `log`."""
        if self.at_work.pop(job.number, None) is not None and not self.at_work:
            self._busy += now - self._since
        if log is None:
            self.done += 1
        else:
            self.failed[job.number] = f"{job.rule} {job.label}, see {log}"

    def rate(self, now: float) -> float | None:
        """Return jobs per second, or None before the first job ends."""
        busy = self._busy + (now - self._since if self.at_work else 0)
        return self.done / busy if self.done and busy else None

    def left(self, now: float) -> float | None:
        """Return the seconds left at this rate, or None when the rate is not known."""
        rate, jobs = self.rate(now), self.total - self.done - len(self.failed)
        if not jobs:
            return 0.0
        return jobs / rate if rate else None


class Run:
    """The stages of a run, in the order of `rules`. Snakemake's log records update them."""

    def __init__(self, jobs: Iterable[Job], rules: Iterable[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._jobs = {job.number: job for job in jobs}
        self.stages = {rule: Stage(rule) for rule in rules}
        for job in self._jobs.values():
            self.stages[job.rule].total += 1
        self.stages = {rule: stage for rule, stage in self.stages.items() if stage.total}
        self.clock, self.began = clock, clock()
        self.lock = threading.Lock()

    def take(self, record: logging.LogRecord) -> None:
        """Update the stages from a log record of Snakemake. Records that are not about jobs change nothing."""
        said, now = vars(record), self.clock()
        with self.lock:
            if said.get("event") == "job_started":
                for stage, job in self._known(*said["jobs"]):
                    stage.begin(job, now)
            elif said.get("event") == "job_finished":
                for stage, job in self._known(said["job_id"]):
                    stage.end(job, now)
            elif said.get("event") == "job_error":
                for stage, job in self._known(said["jobid"]):
                    stage.end(job, now, " ".join(said["log"] or []))

    def _known(self, *numbers: int) -> list[tuple[Stage, Job]]:
        """Return the jobs with these numbers, each with its stage. Numbers of job groups are ignored."""
        jobs = [self._jobs[number] for number in numbers if number in self._jobs]
        return [(self.stages[job.rule], job) for job in jobs]

    @property
    def done(self) -> int:
        """The number of jobs that succeeded."""
        return sum(stage.done for stage in self.stages.values())

    @property
    def total(self) -> int:
        """The number of all jobs."""
        return len(self._jobs)

    def left(self) -> tuple[float, int]:
        """Return the seconds left if stages run one after another, and the number of stages without an estimate."""
        known = [stage.left(self.clock()) for stage in self.stages.values()]
        return sum(seconds for seconds in known if seconds is not None), known.count(None)


class Spending:
    """The money spent on data sets, counted from the answer store."""

    def __init__(self, settings: dict[str, Any], datasets: Iterable[str]) -> None:
        self._settings, self._datasets = settings, sorted(datasets)
        self._store: AnswerStore | None = None
        self._at_first: list[tuple[float, int]] = []
        self.words = "dollars: not counted yet"

    def look(self) -> None:
        """Count the money again. After the first call, only new answers are read."""
        try:
            if self._store is None:
                self._store = AnswerStore(Path(self._settings["answers"]))
            else:
                self._store.refresh()
            accounts = [account_of(self._settings, name, "") for name in self._datasets]
        except (OSError, UserError) as error:  # the price file or the store, which only runs that pay need
            self.words = f"dollars: not known, {error}"
            return
        spent = [account.spent(self._store) for account in accounts]
        self._at_first = self._at_first or spent
        self.words = "; ".join([_in_this_run(spent, self._at_first), *map(_in_all, accounts, spent)])

    def close(self) -> None:
        """Close the store, so that other processes can compact it."""
        if self._store:
            self._store.close()


def _in_this_run(spent: list[tuple[float, int]], before: list[tuple[float, int]]) -> str:
    dollars = sum(now - then for (now, _), (then, _) in zip(spent, before, strict=True))
    requests = sum(now - then for (_, now), (_, then) in zip(spent, before, strict=True))
    return f"{dollars:.2f} dollars and {requests:,} requests in this run"


def _in_all(account: BudgetAccount, spent: tuple[float, int]) -> str:
    cap = f" of {account.dollars:g}" if account.dollars is not None else ""
    return f"{account.data_set} in all: {spent[0]:.2f}{cap}"
