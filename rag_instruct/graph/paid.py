"""The rules that send paid requests, and the teacher of each rule."""

from collections.abc import Callable
from typing import Any

from rag_instruct.retrieval.steps import encoder_and_corpus
from rag_instruct.settings import Settings


def encoder_of(settings: Settings, job: Any) -> str:
    """Return the encoder of a job's queries."""
    return encoder_and_corpus(settings["datasets"][job.dataset], job.queries)[0]


# A function for each paid rule. It returns a key of `teachers`, from the settings and the wildcards of a job.
TEACHER_OF: dict[str, Callable[[Settings, Any], str]] = {
    "filter_exemplars_by_teacher": lambda settings, job: settings["datasets"][job.dataset]["exemplar_filter"],
    "synthesise": lambda settings, job: settings["datasets"][job.dataset]["teacher"],
    "refill": lambda settings, job: settings["datasets"][job.dataset]["teacher"],
    "verify_paradigms": lambda settings, job: settings["datasets"][job.dataset]["verification"]["judge"],
    "embed_endpoint": lambda settings, job: settings["encoders"][job.encoder]["teacher"],
    "embed_queries_endpoint": lambda settings, job: settings["encoders"][encoder_of(settings, job)]["teacher"],
    "generate_endpoint": lambda settings, job: settings["models"][job.model]["teacher"],
}
