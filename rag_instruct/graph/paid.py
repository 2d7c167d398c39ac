"""The rules that ask a model for money, and the teacher that each asks."""

from collections.abc import Callable, Iterable
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.jobs import missing_key
from rag_instruct.settings import Settings

# By rule: the key of its teacher, from the settings and a job's wildcards. The one list of paid rules.
TEACHER_OF: dict[str, Callable[[Settings, Any], str]] = {
    "filter_exemplars_by_teacher": lambda settings, job: settings["datasets"][job.dataset]["exemplar_filter"],
    "synthesise": lambda settings, job: settings["datasets"][job.dataset]["teacher"],
    "verify_paradigms": lambda settings, job: settings["datasets"][job.dataset]["verification"]["judge"],
    "generate_endpoint": lambda settings, job: settings["models"][job.model]["teacher"],
}


def refuse_missing_keys(jobs: Iterable[Any], settings: Settings) -> None:
    """Raise UserError when a job of Snakemake's needs a key that the environment does not hold."""
    for job in jobs:
        if job.rule.name not in TEACHER_OF:
            continue
        teacher = settings["teachers"][TEACHER_OF[job.rule.name](settings, job.wildcards)]
        for place in [teacher, *teacher.get("endpoints", [])]:
            if missing_key(place.get("key_variable")):
                raise UserError(
                    f"{place['key_variable']} is not set, and {teacher['model']} needs it to make "
                    f"results/{job.wildcards.dataset}.jsonl: export {place['key_variable']}=..., or choose another "
                    "teacher in config.yaml. Nothing was run."
                )
