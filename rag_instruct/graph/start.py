"""The start of a run: what jobs inherit, what is refused before anything runs, and how the run is shown."""

import atexit
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from snakemake.logging import is_quiet_about, logger

from rag_instruct.errors import UserError
from rag_instruct.graph.captured import speak_in_whole_messages
from rag_instruct.graph.paid import refuse_missing_keys
from rag_instruct.lock import hold


def prepare(root: Path) -> None:
    """Let jobs find this interpreter and this workflow, from whatever shell and folder the run was started.

    SIGUSR1 becomes SIGTERM. SLURM signals all processes of a job before its time is up. SIGUSR1 would end Snakemake at
    once, and the job before a training has saved its checkpoint; after SIGTERM Snakemake waits for what it runs.
    """
    _put_first("PATH", str(Path(sys.executable).parent))
    _put_first("PYTHONPATH", str(root))
    signal.signal(signal.SIGUSR1, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))


def _put_first(variable: str, folder: str) -> None:
    others = [other for other in os.environ.get(variable, "").split(os.pathsep) if other and other != folder]
    os.environ[variable] = os.pathsep.join([folder, *others])


def start(workflow: Any, settings: dict[str, Any]) -> None:
    """Check that the run may begin, and show it. `workflow` is Snakemake's; a dry run does not come here."""
    jobs = list(workflow.dag.needrun_jobs())
    # What says messages, or None where another --logger does.
    handler = next((one for one in logger.handlers if one.name == "DefaultStreamHandler"), None)
    if handler:
        speak_in_whole_messages(handler)
    if not workflow.local_exec:
        _show_failures()
    refuse_second_run({job.rule.name for job in jobs})
    refuse_missing_keys(jobs, settings)
    unwanted = is_quiet_about(workflow.output_settings.quiet or [], "progress")
    if handler and sys.stderr.isatty() and not unwanted:
        from rag_instruct.graph.display import show

        found = [(job.jobid, job.rule.name, dict(job.wildcards_dict)) for job in jobs]
        show(found, [rule.name for rule in workflow.rules], settings, handler)


def refuse_second_run(rules: set[str]) -> None:
    """Raise UserError while another run is under way in this folder; only a preview of costs may run beside it.

    Unlike Snakemake's own lock, this one ends with its run, also when the run is killed.
    """
    if rules == {"preview_cost"}:
        return
    lock = hold(Path(".snakemake/run.lock"), wait=False)
    if lock is None:
        raise UserError("another run is under way in this folder: wait for it, or end it")
    atexit.register(lock.close)  # which keeps it until then


def _show_failures() -> None:
    """Say which jobs failed on other machines and show their logs, which `quiet: rules` would hide."""
    for handler in logger.handlers:
        for usual in handler.filters[:]:
            handler.removeFilter(usual)
            handler.addFilter(_or_failure(usual))


def _or_failure(usual: Any) -> Any:
    def wanted(record: logging.LogRecord) -> bool:
        return vars(record).get("event") == "job_error" or bool(usual.filter(record))

    return wanted
