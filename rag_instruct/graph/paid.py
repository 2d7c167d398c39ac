"""The rules that send paid requests, and the teacher of each rule."""

from collections.abc import Callable, Iterable
from typing import Any

from rag_instruct.errors import UserError
from rag_instruct.jobs import missing_key
from rag_instruct.settings import Settings

# A function for each paid rule. It returns a key of `teachers`, from the settings and the wildcards of a job.
TEACHER_OF: dict[str, Callable[[Settings, Any], str]] = {
    "filter_exemplars_by_teacher": lambda settings, job: settings["datasets"][job.dataset]["exemplar_filter"],
    "synthesise": lambda settings, job: settings["datasets"][job.dataset]["teacher"],
    "verify_paradigms": lambda settings, job: settings["datasets"][job.dataset]["verification"]["judge"],
    "generate_endpoint": lambda settings, job: settings["models"][job.model]["teacher"],
}


def refuse_missing_keys(jobs: Iterable[Any], settings: Settings) -> None:
    """Raise UserError when a job needs an API key, and its environment variable is not set."""
    for job in jobs:
        if job.rule.name not in TEACHER_OF:
            continue
        teacher = settings["teachers"][TEACHER_OF[job.rule.name](settings, job.wildcards)]
        for place in [teacher, *teacher.get("endpoints", [])]:
            if missing_key(place.get("key_variable")):
                raise UserError(
                    f"{place['key_variable']} is not set, and {teacher['model']} needs it to make {job.output[0]}: "
                    f"export {place['key_variable']}=..., or choose another teacher in config.yaml. Nothing was run."
                )
