"""Export an evaluation to the file format of EleutherAI's lm-evaluation-harness, for tools that read this format."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rag_instruct.evaluation.questioning import checked_rows, tasks
from rag_instruct.evaluation.records import Description, Result, Summary
from rag_instruct.evaluation.results import Cell, Evaluation
from rag_instruct.evaluation.tables import by_contestant
from rag_instruct.files import digest, read_jsonl, write_json, write_jsonl
from rag_instruct.models.decoding import DECODINGS
from rag_instruct.record_files import read_records
from rag_instruct.schema import Question

METRICS = {"acc": "accuracy", "exact_match": "exact_match", "f1": "f1", "paper": "paper"}  # harness's name: our name


def export(summary: Summary, evaluation: Evaluation, results: Path, folder: Path) -> list[Path]:
    """Write results_<data set>.json and samples_<benchmark>_<data set>.jsonl, and return their folders.

    `folder` gets one folder for each model and setting: <model>_with_documents or <model>_closed_book. `results` is the
    project's results/, from which the samples' questions and outputs are read. The data set's name stands where the
    harness writes a date. The harness reads everything after the last _ as that date, so we replace _ in the name by -.
    """
    written, stamp = [], summary["dataset"].replace("_", "-")
    for (model, given), cells in by_contestant(summary).items():
        place = folder / f"{model}_{given}"
        write_json(place / f"results_{stamp}.json", _results(summary, list(cells.values()), model, given))
        for benchmark in cells:
            path = place / f"samples_{benchmark}_{stamp}.jsonl"
            write_jsonl(path, _samples(summary, evaluation, Cell(benchmark, given, model), results))
        written.append(place)
    return written


def _results(summary: Summary, found: Sequence[Result], model: str, given: str) -> dict[str, Any]:
    """Return the content of results_*.json: scores from 0 to 1, and standard errors as the harness computes them."""
    names = [result["benchmark"] for result in found]
    return {
        "results": {result["benchmark"]: _scores(result) for result in found},
        "group_subtasks": {name: [] for name in names},
        "configs": {name: _config(summary, name) for name in names},
        "versions": dict.fromkeys(names, 1),
        "n-shot": dict.fromkeys(names, 0),
        "higher_is_better": {name: dict.fromkeys(METRICS, True) for name in names},
        "n-samples": {result["benchmark"]: {"original": result["n"], "effective": result["n"]} for result in found},
        "config": {"model": model, "model_args": {"given": given, **summary["models"][model]}, "limit": None},
        "model_name": f"{model}_{given}",
        "model_name_sanitized": f"{model}_{given}",
    }


def _scores(result: Result) -> dict[str, Any]:
    name = result["benchmark"]
    found: dict[str, Any] = {"name": name, "alias": name, "sample_len": result["n"]}
    for theirs, ours in METRICS.items():
        found[f"{theirs},none"] = result["scores"][ours]["value"] / 100
        found[f"{theirs}_stderr,none"] = result["scores"][ours]["stderr"] / 100
    return found


def _config(described: Description, name: str) -> dict[str, Any]:
    settings = described["asked"]
    decoding = DECODINGS[settings["decoding"]]
    kwargs = {"max_gen_toks": settings["max_new_tokens"], "do_sample": bool(decoding), **decoding, "until": []}
    metrics = [{"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in METRICS]
    return {
        "task": name,
        "output_type": "generate_until",
        "num_fewshot": 0,
        "generation_kwargs": kwargs,
        "metric_list": metrics,
        "metadata": {"version": 1},
    }


def _samples(described: Description, evaluation: Evaluation, cell: Cell, results: Path) -> Iterator[dict[str, Any]]:
    """Yield one record for each question: prompt, output and scores."""
    questions = list(read_records(results / f"benchmarks/{cell.benchmark}/questions.jsonl", Question))
    place = results / described["dataset"] / "evaluation" / cell.benchmark
    all_tasks = tasks(questions, place / "documents.jsonl" if cell.given == "with_documents" else None)
    path = place / cell.given / f"{cell.model}.outputs.jsonl"
    outputs = checked_rows(read_jsonl(path), questions, str(path))
    kwargs = _config(described, cell.benchmark)["generation_kwargs"]
    scores = {theirs: evaluation.values(cell, ours).tolist() for theirs, ours in METRICS.items()}
    for number, (question, task, output) in enumerate(zip(questions, all_tasks, outputs, strict=True)):
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
            **{theirs: values[number] for theirs, values in scores.items()},
        }


def _doc(question: Question) -> dict[str, Any]:
    return {"id": question.id, "question": question.question, "answers": list(question.answers)}
