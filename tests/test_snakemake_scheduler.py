"""Snakemake's scheduler is woken by one timer at a time."""

import inspect
import threading
import time

from snakemake.scheduling.job_scheduler import JobScheduler

from rag_instruct.graph.scheduling import look_once_at_a_time


class Scheduler:
    def __init__(self):
        self._open_jobs = threading.Semaphore(0)

    def _schedule_reevalutation(self, delay):
        raise NotImplementedError


def looks(scheduler, seconds):
    """Return how often the scheduler is woken in `seconds`. After each look, it asks for another one."""
    end, count = time.monotonic() + seconds, 0
    while scheduler._open_jobs.acquire(timeout=max(0, end - time.monotonic())):
        count += 1
        scheduler._schedule_reevalutation(0.05)
    return count


def test_timers_do_not_add_up():
    scheduler = Scheduler()
    look_once_at_a_time(scheduler)
    for _ in range(40):  # forty jobs have ended
        scheduler._schedule_reevalutation(0.05)
    assert sum(timer.daemon for timer in threading.enumerate() if isinstance(timer, threading.Timer)) == 1
    assert 1 <= looks(scheduler, 1) <= 20, "one in each twentieth of a second, not forty"


def test_a_scheduler_of_another_version_stays_as_it_is():
    scheduler = object()
    look_once_at_a_time(scheduler)


def test_the_function_replaces_what_the_scheduler_calls():
    source = inspect.getsource(JobScheduler)
    assert source.count("self._schedule_reevalutation(") >= 1, "the scheduler starts its timers elsewhere"
    assert list(inspect.signature(JobScheduler._schedule_reevalutation).parameters) == ["self", "delay"]
    assert "_open_jobs.release()" in inspect.getsource(JobScheduler._schedule_reevalutation)
