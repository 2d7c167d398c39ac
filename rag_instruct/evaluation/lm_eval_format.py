"""An evaluation in the files of EleutherAI's lm-evaluation-harness, for the tools that read those."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rag_instruct.benchmarks import read_questions
from rag_instruct.evaluation.questioning import tasks
from rag_instruct.evaluation.results import Cell, Evaluation
from rag_instruct.files import digest, read_jsonl, write_json, write_jsonl
from rag_instruct.models.decoding import DECODINGS
from rag_instruct.schema import Question

METRICS = {"acc": "accuracy", "exact_match": "exact_match", "f1": "f1", "paper": "paper"}  # their names and ours


def export(table: Mapping[str, Any], evaluation: Evaluation, results: Path, folder: Path) -> list[Path]:
    """Write results_<data set>.json and samples_<benchmark>_<data set>.jsonl of every model and way of asking.

    `results` is the graph's folder, whose questions and outputs the samples repeat. The harness has a date where we
    have the data set, and takes what follows the last _ for it.
    """
    written, stamp = [], str(table["dataset"]).replace("_", "-")
    for model, given in dict.fromkeys((result["model"], result["given"]) for result in table["results"]):
        found = [r for r in table["results"] if (r["model"], r["given"]) == (model, given)]
        place = folder / f"{model}_{given}"
        write_json(place / f"results_{stamp}.json", summary(table, found, model, given))
        for result in found:
            cell = Cell(result["benchmark"], given, model)
            path = place / f"samples_{cell.benchmark}_{stamp}.jsonl"
            write_jsonl(path, samples(table, evaluation, cell, results))
        written.append(place)
    return written


def summary(table: Mapping[str, Any], found: list[dict[str, Any]], model: str, given: str) -> dict[str, Any]:
    """The file of results: shares from 0 to 1, and standard errors as their own code takes them."""
    names = [result["benchmark"] for result in found]
    return {
        "results": {result["benchmark"]: _scores(result) for result in found},
        "group_subtasks": {name: [] for name in names},
        "configs": {name: _config(table, name) for name in names},
        "versions": dict.fromkeys(names, 1),
        "n-shot": dict.fromkeys(names, 0),
        "higher_is_better": {name: dict.fromkeys(METRICS, True) for name in names},
        "n-samples": {result["benchmark"]: {"original": result["n"], "effective": result["n"]} for result in found},
        "config": {"model": model, "model_args": {"given": given, **table["models"][model]}, "limit": None},
        "model_name": f"{model}_{given}",
        "model_name_sanitized": f"{model}_{given}",
    }


def _scores(result: Mapping[str, Any]) -> dict[str, Any]:
    name = result["benchmark"]
    found: dict[str, Any] = {"name": name, "alias": name, "sample_len": result["n"]}
    for theirs, ours in METRICS.items():
        found[f"{theirs},none"] = result["scores"][ours]["value"] / 100
        found[f"{theirs}_stderr,none"] = result["scores"][ours]["stderr"] / 100
    return found


def _config(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    asked = table["asked"]
    decoding = DECODINGS[asked["decoding"]]
    kwargs = {"max_gen_toks": asked["max_new_tokens"], "do_sample": bool(decoding), **decoding, "until": []}
    metrics = [{"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in METRICS]
    return {
        "task": name,
        "output_type": "generate_until",
        "num_fewshot": 0,
        "generation_kwargs": kwargs,
        "metric_list": metrics,
        "metadata": {"version": 1},
    }


def samples(table: Mapping[str, Any], evaluation: Evaluation, cell: Cell, results: Path) -> Iterator[dict[str, Any]]:
    """One record a question: what was asked, said and scored."""
    questions = list(read_questions(results / f"benchmarks/{cell.benchmark}/questions.jsonl"))
    place = results / table["dataset"] / "evaluation" / cell.benchmark
    asked = tasks(questions, place / "documents.jsonl" if cell.given == "with_documents" else None)
    outputs = read_jsonl(place / cell.given / f"{cell.model}.outputs.jsonl")
    kwargs = _config(table, cell.benchmark)["generation_kwargs"]
    for number, (question, task, output, row) in enumerate(
        zip(questions, asked, outputs, evaluation.rows[cell], strict=True)
    ):
        prompt, doc = task.prompt(output["documents"]), _doc(question)
        yield {
            "doc_id": number,
            "doc": doc,
            "target": question.answers[0],
            "arguments": {"gen_args_0": {"arg_0": prompt, "arg_1": kwargs}},
            "resps": [[output["output"]]],
            "filtered_resps": [output["output"]],
            "filter": "none",
            "metrics": list(METRICS),
            "doc_hash": digest(doc),
            "prompt_hash": digest(prompt),
            "target_hash": digest(question.answers[0]),
            **{theirs: row[ours] for theirs, ours in METRICS.items()},
        }


def _doc(question: Question) -> dict[str, Any]:
    return {"id": question.id, "question": question.question, "answers": list(question.answers)}
