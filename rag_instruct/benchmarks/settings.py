"""What config.yaml says of a benchmark, put together with what its file in rag_instruct/benchmarks/ says."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rag_instruct.benchmarks import benchmark, own, refuse_repeated_ids
from rag_instruct.benchmarks.records import questions_of_files
from rag_instruct.errors import UserError
from rag_instruct.schema import Question

FACTS = ("label", "kind", "metric")


def schema_of(name: str, settings: Mapping[str, Any]) -> str:
    """The file of rag_instruct/benchmarks/ that reads and scores it: of its own name, or `own`."""
    return str(settings.get("schema", name))


def facts(name: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Its label, kind and metric, where config.yaml says nothing else as its file has them."""
    schema = schema_of(name, settings)
    known = benchmark(schema)
    of_file = {"label": name if schema == "own" else known.label, "kind": known.kind, "metric": known.metric}
    return {fact: settings.get(fact, of_file[fact]) for fact in FACTS}


def loaded(schema: str, paths: list[Path], where: Mapping[str, str]) -> list[Question]:
    """All questions of a benchmark's files; of a file of one's own, those whose fields are as `where` says.

    Raises UserError when they are not as many as the whole set has, or ids are not unique.
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
    """What an evaluation's tables say of its making."""
    evaluation = config["datasets"][name]["evaluation"]
    return {
        "dataset": name,
        "models": {key: {"label": key, **_which(config["models"][key])} for key in evaluation["models"]},
        "benchmarks": {key: facts(key, config["benchmarks"][key]) for key in evaluation["benchmarks"]},
        "asked": {key: evaluation[key] for key in ("documents", "decoding", "max_new_tokens")},
    }


def _which(model: Mapping[str, Any]) -> dict[str, Any]:
    """What a model is, and not what it takes to run it."""
    return {key: value for key, value in model.items() if key not in ("threads", "memory_mb", "gpus")}
