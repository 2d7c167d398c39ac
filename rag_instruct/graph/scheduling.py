"""Keep Snakemake's scheduler from looking at waiting jobs more and more often."""

import threading
from typing import Any


def look_once_at_a_time(scheduler: Any) -> None:
    """Let at most one timer wake Snakemake's job scheduler.

    While jobs wait for cores, the scheduler starts a timer at each look at them, because of --max-jobs-per-timespan,
    which has a default. Each timer leads to another look. Each job that ends leads to one more. So after a hundred
    jobs, the scheduler looks a hundred times a second, and solves its linear program each time.

    `scheduler` is a snakemake.scheduling.job_scheduler.JobScheduler.
    """
    if not hasattr(scheduler, "_schedule_reevalutation"):  # of another version of Snakemake
        return
    waiting = False

    def look() -> None:
        nonlocal waiting
        waiting = False  # first: the next look may need a timer of its own
        scheduler._open_jobs.release()

    def look_after(delay: float) -> None:
        nonlocal waiting
        if not waiting:
            waiting = True
            timer = threading.Timer(delay, look)
            timer.daemon = True  # a run that is done need not wait for it
            timer.start()

    scheduler._schedule_reevalutation = look_after
