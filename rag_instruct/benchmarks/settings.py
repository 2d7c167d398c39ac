"""Complete a benchmark's settings in config.yaml from its file in rag_instruct/benchmarks/, and load its questions."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rag_instruct.benchmarks import benchmark, refuse_repeated_ids
from rag_instruct.errors import UserError
from rag_instruct.logs import logger
from rag_instruct.records import PLAIN, Form

if TYPE_CHECKING:
    from rag_instruct.schema import Question

LONG = 15  # words of an answer that outputs hardly ever state in its own words


def schema_of(name: str, settings: Mapping[str, Any]) -> str:
    """Return the name of the file in rag_instruct/benchmarks/ that reads and scores the benchmark."""
    return str(settings.get("schema", name))


def facts(name: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return label, kind and metric from config.yaml, or else from the benchmark's file."""
    schema = schema_of(name, settings)
    known = benchmark(schema)
    of_file = {"label": known.label if name == schema else name, "kind": known.kind, "metric": known.metric}
    return {fact: settings.get(fact, value) for fact, value in of_file.items()}


def loaded(
    schema: str,
    paths: list[Path],
    where: Mapping[str, str],
    form: Form = PLAIN,
    fields: Mapping[str, str | list[str]] = MappingProxyType({}),
) -> "list[Question]":
    """Return the questions in a benchmark's files.

    `where`, `fields` and `form` are for a user's own files: the field values that a record must have, the files' names
    of our fields, and how the files are written. For other schemas, only `form.member` counts, the file in an archive.
    Raises UserError if the set is empty or not complete, if ids repeat, or if another schema has `where` or `fields`.
    """
    from rag_instruct.benchmarks import own  # with the scorers, which plans do not need

    known = benchmark(schema)
    if schema != "own" and (where or fields):
        raise UserError("`where` and `fields` are for `schema: own`: set that, or leave them out")
    if schema == "own":
        questions = list(own.read(paths, form, where, fields))
    else:
        inside = [path / form.member if path.suffix.lower() == ".zip" else path for path in paths]
        questions = list(known.questions(inside))
    place = ", ".join(str(path) for path in paths)
    if where and not questions:
        raise UserError(
            f"{place}: no record matches `where`: {dict(where)}: correct it in config.yaml, or give the file with such "
            "records"
        )
    if not questions or (known.size and len(questions) != known.size):
        wanted = f"but the complete set has {known.size:,}" if known.size else "no record has a question"
        raise UserError(
            f"{place}: {len(questions):,} questions, {wanted}: is it the benchmark's complete file, with the split and "
            "revision in config.yaml?"
        )
    refuse_repeated_ids(questions, place)
    long = [question.id for question in questions if not question.choices and _is_long(question)]
    if len(long) > len(questions) / 2:
        logger.warning(
            "%s: %d of %d questions have only answers of more than %d words, the first is %s. An output counts as "
            "right if it states an answer in its words, so long ones hardly ever count: give short ones as well, such "
            "as a name or a number", place, len(long), len(questions), LONG, long[0],
        )  # fmt: skip
    return questions


def _is_long(question: "Question") -> bool:
    return all(len(answer.split()) > LONG for answer in question.answers)


def evaluated(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the description of an evaluation (see Description) for its tables."""
    evaluation = config["datasets"][name]["evaluation"]
    return {
        "dataset": name,
        "models": {key: {"label": key, **_which(config["models"][key])} for key in evaluation["models"]},
        "benchmarks": {
            key: {**facts(key, config["benchmarks"][key]), "schema": schema_of(key, config["benchmarks"][key])}
            for key in evaluation["benchmarks"]
        },
        "asked": {key: evaluation[key] for key in ("documents", "decoding", "max_new_tokens")},
    }


def _which(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's settings without the resources of its jobs."""
    return {key: value for key, value in model.items() if key not in ("threads", "memory_mb", "gpus")}
