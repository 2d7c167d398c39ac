"""A benchmark's settings in config.yaml, completed from its file in rag_instruct/benchmarks/."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rag_instruct.benchmarks import benchmark, own, refuse_repeated_ids
from rag_instruct.benchmarks.records import questions_of_files
from rag_instruct.errors import UserError
from rag_instruct.schema import Question

FACTS = ("label", "kind", "metric")


def schema_of(name: str, settings: Mapping[str, Any]) -> str:
    """Return the file of rag_instruct/benchmarks/ that reads and scores it: its own name, or `own`."""
    return str(settings.get("schema", name))


def facts(name: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return its label, kind and metric: config.yaml's, or else its file's."""
    schema = schema_of(name, settings)
    known = benchmark(schema)
    of_file = {"label": name if schema == "own" else known.label, "kind": known.kind, "metric": known.metric}
    return {fact: settings.get(fact, of_file[fact]) for fact in FACTS}


def loaded(schema: str, paths: list[Path], where: Mapping[str, str]) -> list[Question]:
    """Return all questions of a benchmark's files, or those of a user's file whose fields match `where`.

    Raises UserError when their number is not that of the whole set, or ids are not unique.
    """
    known = benchmark(schema)
    questions = list(_where(paths, where) if where else known.questions(paths))
    place = ", ".join(str(path) for path in paths)
    if not questions or (known.size and len(questions) != known.size):
        wanted = f"{known.size:,} are the whole set" if known.size else f"with {dict(where)}" if where else "none is"
        raise UserError(
            f"{place}: {len(questions):,} questions, {wanted}: is it the benchmark's own file, complete, of the split "
            "and revision in config.yaml?"
        )
    refuse_repeated_ids(questions, place)
    return questions


def _where(paths: list[Path], where: Mapping[str, str]) -> Iterator[Question]:
    def build(record: Any, number: int) -> Question | None:
        return own.build(record, number) if all(record.get(key) == value for key, value in where.items()) else None

    return questions_of_files(paths, build)


def evaluated(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what an evaluation's tables say about models, benchmarks and prompts."""
    evaluation = config["datasets"][name]["evaluation"]
    return {
        "dataset": name,
        "models": {key: {"label": key, **_which(config["models"][key])} for key in evaluation["models"]},
        "benchmarks": {key: facts(key, config["benchmarks"][key]) for key in evaluation["benchmarks"]},
        "asked": {key: evaluation[key] for key in ("documents", "decoding", "max_new_tokens")},
    }


def _which(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model is, without the resources that it needs."""
    return {key: value for key, value in model.items() if key not in ("threads", "memory_mb", "gpus")}
