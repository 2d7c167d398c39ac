"""Show the progress of a run on a terminal: a table below the messages of Snakemake and its jobs."""

import atexit
import logging
import os
import threading
from datetime import timedelta
from typing import Any

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rag_instruct.graph.captured import Captured
from rag_instruct.graph.progress import Job, Run, Spending, Stage

REFRESH = 0.25  # seconds between two drawings
LOOK = 5.0  # seconds between two counts of the money
WIDE, NARROW = 100, 60  # widths of a window, in characters
BAR_WIDTH = 20
FAILURES = 3  # number of failed jobs that are named during the run
LINES_AROUND = 3  # lines that are not stages: the table's head, the whole run, the money
TOLD = ("job_started", "job_finished", "progress")  # events that the table shows, so no message is written
SELECTING = "Select jobs to execute..."  # a message that is not written either; it has no event
UNITS = (("s", 1), ("min", 60), ("h", 3600))


class Display(logging.Handler):
    """Draws a run from a thread of its own. It learns from Snakemake's log records which jobs start and end."""

    def __init__(self, run: Run, spending: Spending) -> None:
        super().__init__()
        self._run, self._spending = run, spending
        self._said, self._over = Captured(), threading.Event()
        # In an encoding that is not Unicode, rich draws in ASCII. A message may still have other characters.
        terminal = os.fdopen(os.dup(self._said.terminal), "w", errors="replace")
        self._console = Console(file=terminal, highlight=False)
        self._live = Live(
            console=self._console,
            get_renderable=self._picture,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._draw, self._count)]

    def start(self) -> None:
        """Start to draw. The cursor stays visible, because a killed run could not show it again."""
        atexit.register(self.close)
        self._console.size = size_of(self._said.terminal)
        self._said.take()
        self._live.start()
        self._console.show_cursor(True)
        for thread in self._threads:
            thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a log record to the run."""
        self._run.take(record)

    def close(self) -> None:
        """Write the last lines and the whole table, and release the terminal."""
        if not self._over.is_set():
            self._over.set()
            for thread in self._threads:
                thread.join()
            self._said.give_back()
            self._say(last=True)
            self._live.stop()
            self._spending.close()
        super().close()

    def _draw(self) -> None:
        while not self._over.wait(REFRESH):
            self._console.size = size_of(self._said.terminal)
            self._say()
            self._live.refresh()

    def _say(self, last: bool = False) -> None:
        if lines := self._said.news(last):
            self._console.print(Text.from_ansi("\n".join(lines)), soft_wrap=True)

    def _count(self) -> None:
        self._spending.look()
        while not self._over.wait(LOOK):
            self._spending.look()
        self._spending.look()

    def _picture(self) -> RenderableType:
        height = None if self._over.is_set() else self._console.height - 1
        with self._run.lock:  # the handler's own lock would block: Snakemake holds it during close()
            return picture(self._run, dict(self._said.bars), self._spending.words, self._console.width, height)


def size_of(terminal: int) -> ConsoleDimensions:
    """Return a terminal's size. We measure it, because rich would measure stdout and stderr, which are caught.

    A terminal without a window, such as that of `script` in a cron job, has the size 0.
    """
    columns, lines = os.get_terminal_size(terminal)
    return ConsoleDimensions(columns or 80, lines or 24)


def picture(run: Run, bars: dict[str, str], money: str, width: int, height: int | None) -> RenderableType:
    """Return the table, the bars of running jobs, and the lines below. They are cut to the window.

    If `height` is None, return the table as it stays after the run: whole, and without bars.
    """
    stages = list(run.stages.values())
    failures = [f"failed: {job}" for stage in stages for job in stage.failed.values()]
    if height is None:
        return Group(table(stages, run.clock(), width, over=True), *failures, whole(run, over=True), money)
    at_work = sum(len(stage.at_work) for stage in stages)
    latest = list(bars.items())[-at_work:] if at_work else []
    texts = [*failures[-FAILURES:], *(_shortened(name, bar, width) for name, bar in latest)]
    shown = most_telling(stages, max(height - LINES_AROUND - len(texts), 1))
    texts += [whole(run, hidden=len(stages) - len(shown)), money]
    lines = [Text(text, no_wrap=True, overflow="ellipsis") for text in texts]
    return Group(table(shown, run.clock(), width), *lines)


def _shortened(name: str, bar: str, width: int) -> str:
    """Cut a bar's name on the left, so that its numbers fit into the width."""
    room = max(width - len(bar) + len(name), 2)
    return bar if len(name) <= room else f"…{name[1 - room :]}{bar[len(name) :]}"


def most_telling(stages: list[Stage], room: int) -> list[Stage]:
    """Return at most `room` stages, in their order. Running and failed stages are chosen first, finished ones last."""

    def rank(stage: Stage) -> int:
        return 0 if stage.at_work or stage.failed else 2 if stage.done == stage.total else 1

    kept = {stage.rule for stage in sorted(stages, key=rank)[:room]}
    return [stage for stage in stages if stage.rule in kept]


def table(stages: list[Stage], now: float, width: int, over: bool = False) -> Table:
    """Return a table with one line per stage: jobs done, rate, time left, running jobs.

    A narrow window gets fewer columns.
    """
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, expand=True, header_style="dim")
    grid.add_column("stage", no_wrap=True, max_width=width // 2)
    columns = {"jobs": _jobs} | ({"rate": _rate} if width >= NARROW else {})
    columns |= {"left": _left} if width >= NARROW and not over else {}
    for name in columns:
        grid.add_column(name, no_wrap=True, justify="right")
    if width >= WIDE:
        grid.add_column(width=BAR_WIDTH)
    grid.add_column("" if over else "at work", no_wrap=True, ratio=1)
    for stage in stages:
        bar: list[RenderableType] = [ProgressBar(stage.total, stage.done, width=BAR_WIDTH)] if width >= WIDE else []
        cells: list[RenderableType] = [
            stage.rule.replace("_", " "),
            *(column(stage, now) for column in columns.values()),
            *bar,
        ]
        grid.add_row(*cells, _at_work(stage), style="red" if stage.failed else "" if stage.at_work else "dim")
    return grid


def _jobs(stage: Stage, now: float) -> str:
    return f"{stage.done}/{stage.total}"


def _rate(stage: Stage, now: float) -> str:
    rate = stage.rate(now)
    if rate is None:
        return ""
    return next((f"{rate * per:.1f}/{unit}" for unit, per in UNITS if rate * per >= 1), f"{rate * 86400:.1f}/day")


def _left(stage: Stage, now: float) -> str:
    left = stage.left(now)
    return duration(left) if left else ""


def _at_work(stage: Stage) -> str:
    labels = [label for label in stage.at_work.values() if label]
    parts = [f"{len(stage.failed)} failed"] if stage.failed else []
    parts += [f"{len(stage.at_work)}{': ' if labels else ''}{', '.join(labels)}"] if stage.at_work else []
    return "; ".join(parts)


def whole(run: Run, hidden: int = 0, over: bool = False) -> str:
    """Return the line below the table, about the whole run."""
    failed = sum(len(stage.failed) for stage in run.stages.values())
    parts = [f"{run.done} of {run.total} jobs"]
    parts += [f"{failed} failed"] if failed else []
    parts.append(duration(run.clock() - run.began))
    parts += [left] if not over and (left := _time_left(run)) else []
    parts += [f"{hidden} more stages"] if hidden else []
    return ", ".join(parts)


def _time_left(run: Run) -> str:
    seconds, unknown = run.left()
    stages = f"{unknown} stage{'s' if unknown > 1 else ''} of unknown time" if unknown else ""
    return " and ".join(part for part in (f"{duration(seconds)} left" if seconds else "", stages) if part)


def duration(seconds: float) -> str:
    """Return the time as 0:07:40. From one day on, the days come first: 2 days, 0:07:40."""
    return str(timedelta(seconds=round(seconds)))


def show(
    jobs: list[tuple[int, str, dict[str, str]]], rules: list[str], settings: dict[str, Any], said_by: logging.Handler
) -> None:
    """Show the progress of a run. Each job is its number, its rule and its wildcards.

    `said_by` is Snakemake's log handler. It stops writing messages about events that the table shows.
    """
    found = [Job(number, rule, _label(wildcards)) for number, rule, wildcards in jobs]
    datasets = {wildcards["dataset"] for _, _, wildcards in jobs if "dataset" in wildcards}
    display = Display(Run(found, rules), Spending(settings, datasets))
    said_by.addFilter(lambda record: getattr(record, "event", None) not in TOLD and record.msg != SELECTING)
    logging.getLogger("snakemake.logging").addHandler(display)
    display.start()


def _label(wildcards: dict[str, str]) -> str:
    return " ".join(value for name, value in wildcards.items() if name != "dataset")
