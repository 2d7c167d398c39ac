"""Start a run: set the environment of its jobs, refuse runs that cannot work, and show the progress."""

import atexit
import logging
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from snakemake.logging import is_quiet_about, logger
from snakemake_interface_logger_plugins.common import LogEvent

from rag_instruct.dataset.shortfall import shortfall
from rag_instruct.errors import UserError
from rag_instruct.files import read_json
from rag_instruct.graph.captured import speak_in_whole_messages
from rag_instruct.graph.keys import NO_RULE_NAMES, WARNING, RuleNames, missing_keys, name_of, refuse_missing_keys
from rag_instruct.graph.packages import refuse_missing_packages
from rag_instruct.graph.scheduling import look_once_at_a_time
from rag_instruct.lock import hold

_SHORTFALLS: list[str] = []  # what is said at the exit, below the display of the run
_LOCKS: dict[Path, IO[str]] = {}  # the locks of this process, which are kept until the exit


def prepare(root: Path) -> None:
    """Let jobs find this interpreter and this workflow, whatever the shell and folder of the run.

    Also turn SIGUSR1 into SIGTERM. SLURM sends SIGUSR1 to a training job five minutes before its time limit, because
    the rule passes --signal=USR1@300. By default, this signal ends Snakemake at once, and the training with it, before
    the checkpoint is saved. After SIGTERM, Snakemake waits for its jobs to end.
    """
    _put_first("PATH", str(Path(sys.executable).parent))
    _put_first("PYTHONPATH", str(root))
    signal.signal(signal.SIGUSR1, lambda number, frame: os.kill(os.getpid(), signal.SIGTERM))


def _put_first(variable: str, folder: str) -> None:
    others = [other for other in os.environ.get(variable, "").split(os.pathsep) if other and other != folder]
    os.environ[variable] = os.pathsep.join([folder, *others])


def start(workflow: Any, settings: dict[str, Any]) -> None:
    """Check that the run may begin, and show its progress. `workflow` is Snakemake's. Dry runs do not call this."""
    jobs = list(workflow.dag.needrun_jobs())
    atexit.register(_say_shortfalls)  # before the display's function, so that it runs after that one
    # The handler that writes messages to the terminal. It is None if --logger names another one.
    handler = next((one for one in logger.handlers if one.name == "DefaultStreamHandler"), None)
    if handler:
        speak_in_whole_messages(handler)
    if not workflow.local_exec:
        _show_failures()
    _refuse(jobs, settings, workflow)
    look_once_at_a_time(workflow.scheduler)
    unwanted = is_quiet_about(workflow.output_settings.quiet or [], "progress")
    # With conda's environments, Snakemake's own Python may lack rich.
    if handler and sys.stderr.isatty() and not unwanted and find_spec("rich"):
        from rag_instruct.graph.display import show

        found = [(job.jobid, job.rule.name, dict(job.wildcards_dict)) for job in jobs]
        show(found, [rule.name for rule in workflow.rules], settings, handler)


def finish(workflow: Any) -> None:
    """Note at the end of a successful run which data sets have fewer rows than wanted. They are named at the exit."""
    merged = [job for job in workflow.dag.jobs if job.rule.name == "merge_dataset"]
    for counts in sorted(Path(job.output.counts) for job in merged):
        if counts.exists():  # it does not where somebody trains on a data set's file alone
            _SHORTFALLS.append(shortfall(counts.parent.name, read_json(counts)))


def _say_shortfalls() -> None:
    for said in filter(None, _SHORTFALLS):
        print(f"\n{WARNING}{said}", file=sys.stderr)


def _refuse(jobs: list[Any], settings: dict[str, Any], workflow: Any, names: RuleNames = NO_RULE_NAMES) -> None:
    """Raise UserError if another run is active in this folder, or if a package or a key is missing."""
    refuse_second_run({name_of(job.rule, names) for job in jobs})
    refuse_missing_packages(jobs, workflow)
    refuse_missing_keys(jobs, settings, names)


def check_without_onstart(workflow: Any, settings: dict[str, Any]) -> None:
    """Let a dry run name the keys that the environment lacks, and check the run of a module as `start` does.

    Snakemake calls `onstart` neither in dry runs nor for modules. So we wait for the table of jobs, which it logs when
    it knows them. Another workflow may use this one several times, with settings of its own each time, and has rules
    of its own. So each use checks only the jobs of the rules that it has defined.
    """
    modifier = workflow.modifier  # of this use; it knows how the rules are called
    is_module = modifier.parent_modifier is not None
    waiting = True

    def tell(record: logging.LogRecord) -> bool:
        nonlocal waiting
        if waiting and vars(record).get("event") == LogEvent.RUN_INFO and (workflow.dryrun or is_module):
            waiting = False  # a filter that removed itself here would make the logger pass over the next one
            planned = workflow.dag.needrun_jobs(exclude_finished=False)
            jobs = [job for job in planned if job.rule.module_globals is modifier.globals]
            names = {modifier.modify_rulename(name): name for name in modifier.rule_proxies._rules}
            if not workflow.dryrun:
                try:
                    _refuse(jobs, settings, workflow, names)
                except UserError as error:
                    sys.exit(f"error: {error}")
            for said in missing_keys(jobs, settings, names):
                print(f"{WARNING}{said}", file=sys.stderr)
        return True

    if workflow.is_main_process:
        logger.addFilter(tell)


def refuse_second_run(rules: set[str]) -> None:
    """Raise UserError if another run is active in this folder. A preview of costs may run at the same time.

    Unlike Snakemake's own lock, this lock ends with its run, also when the run is killed. A run that uses this workflow
    several times as a module calls this function several times.
    """
    path = Path(".snakemake/run.lock").resolve()
    if rules <= {"preview_cost"} or path in _LOCKS:
        return
    lock = hold(path, wait=False)
    if lock is None:
        raise UserError("another run is active in this folder: wait until it ends, or stop it")
    _LOCKS[path] = lock


def _show_failures() -> None:
    """Show messages about failed jobs on other machines, with the paths of their logs.

    Snakemake's setting `quiet: rules` would hide these messages.
    """
    for handler in logger.handlers:
        for usual in handler.filters[:]:
            handler.removeFilter(usual)
            handler.addFilter(_or_failure(usual))


def _or_failure(usual: Any) -> Any:
    def wanted(record: logging.LogRecord) -> bool:
        return vars(record).get("event") == "job_error" or bool(usual.filter(record))

    return wanted
