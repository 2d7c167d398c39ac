"""Build an evaluation's tables, and its Markdown page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag_instruct.evaluation.records import Estimate, Result, Summary
from rag_instruct.tables import NOTHING, frame, markdown

if TYPE_CHECKING:
    import pandas as pd

LABELS = {"with_documents": "documents", "closed_book": "closed book"}
METRICS = {"accuracy": "acc", "exact_match": "EM", "f1": "F1"}
RETRIEVAL = {"recall": "recall", "answer_in_documents": "answer in"}
GAINS = {  # by kind: the title of its section, and what is compared
    "documents": (
        "What documents add",
        "Answers with documents are compared with the same model's closed-book answers.",
    ),
    "training": ("What training adds", "The trained model is compared with its base model, asked in the same way."),
}
ABOUT_RETRIEVAL = """\
For each question we take the share of its gold passages among the first k documents; *recall@k* is the mean, in
percent. *answer in@k* is the percentage of questions whose answer is in one of the first k documents. Questions with
the answer yes or no count too, so the figure is low for HotpotQA and 2WikiMultihopQA."""
ABOUT_SCORES = """\
Scores are in percent, with 95 % intervals over the questions. *ours* is the benchmark's own rule (acc or EM) as the
field defines it. *paper's* is the rule of the paper's scorer, which also scored the published rows. docs/scoring.md
explains where the two rules differ."""


def page(summary: Summary) -> str:
    """Return the evaluation as a Markdown page."""
    parts = [
        f"# Evaluation of {summary['dataset']}",
        ABOUT_SCORES,
        _asked(summary),
        markdown(scores(summary)),
        *(part for kind, said in GAINS.items() for part in _section(*said, gains(summary, kind))),
        *_section("Retrieval", ABOUT_RETRIEVAL, retrieval(summary)),
        *_section("What was counted", "", counts(summary)),
        "## Where the two rules disagree",
        *_disagreements(summary),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def scores(summary: Summary) -> "pd.DataFrame":
    """Return the scores of models (rows) on benchmarks (columns).

    A model has one row for the benchmark's own rule and one for the paper's rule. Published scores follow.
    """
    names = list(summary["benchmarks"])
    rows = []
    for (model, given), cells in by_contestant(summary).items():
        for rule in ("ours", "paper's"):
            shown = [_score(cells.get(name), rule) for name in names]
            rows.append([summary["models"][model]["label"], LABELS[given], rule, *shown])
    for other in summary["published"]:
        values = (other["scores"].get(name) for name in names)
        shown = [NOTHING if value is None else f"{value:.1f}" for value in values]
        rows.append([f"{other['label']} (published)", "documents", "paper's", *shown])
    return frame(["model", "given", "rule", *(_head(summary, name) for name in names)], rows)


def by_contestant(summary: Summary) -> dict[tuple[str, str], dict[str, Result]]:
    """Return by (model, given) the results of each benchmark."""
    found: dict[tuple[str, str], dict[str, Result]] = {}
    for model in summary["models"]:
        for given in LABELS:
            cells = {r["benchmark"]: r for r in summary["results"] if (r["model"], r["given"]) == (model, given)}
            if cells:
                found[model, given] = cells
    return found


def _head(summary: Summary, name: str) -> str:
    benchmark = summary["benchmarks"][name]
    return f"{benchmark['label']} {METRICS[benchmark['metric']]}, n = {benchmark['n']:,}"


def _score(result: Result | None, rule: str) -> str:
    return _interval(result["scores"][result["metric"] if rule == "ours" else "paper"]) if result else NOTHING


def _interval(score: Estimate) -> str:
    return f"{score['value']:.1f} ({score['low']:.1f}-{score['high']:.1f})"


def gains(summary: Summary, kind: str) -> "pd.DataFrame":
    """Return the gains of one kind, in points, with their intervals and tests."""
    rows = [
        [
            summary["benchmarks"][gain["benchmark"]]["label"],
            summary["models"][gain["after"]["model"]]["label"],
            LABELS[gain["after"]["given"]],
            f"{gain['value']:+.1f}",
            f"{gain['low']:+.1f} to {gain['high']:+.1f}",
            f"{gain['p']:.3f}" if gain["p"] >= 0.001 else "< 0.001",
        ]
        for gain in summary["gains"]
        if gain["kind"] == kind
    ]
    return frame(["benchmark", "model", "given", "gain, points", "95 % interval", "p, paired"], rows)


def retrieval(summary: Summary) -> "pd.DataFrame":
    """Return recall@k and the share of questions with an answer in the first k documents, in percent."""
    found = {
        name: {
            f"{label}@{depth}": f"{100 * share:.1f}"
            for kind, label in RETRIEVAL.items()
            for depth, share in measured[kind].items()
        }
        for name, measured in summary["retrieval"].items()
        if any(map(measured.get, RETRIEVAL))
    }
    heads = {head for shares in found.values() for head in shares}
    columns = sorted(heads, key=lambda head: (head.startswith("answer"), int(head.split("@")[1])))
    rows = (
        [summary["benchmarks"][name]["label"], *(shares.get(head) for head in columns)]
        for name, shares in found.items()
    )
    return frame(["benchmark", *columns], rows)


def counts(summary: Summary) -> "pd.DataFrame":
    """Return the numbers of answers, failed answers, cut-off answers and documents that did not fit."""
    rows = [
        [
            summary["models"][result["model"]]["label"],
            LABELS[result["given"]],
            summary["benchmarks"][result["benchmark"]]["label"],
            *(result[name] for name in ("n", "failed", "cut_off", "documents_left_out")),
        ]
        for result in summary["results"]
    ]
    return frame(["model", "given", "benchmark", "answers", "failed", "cut off", "documents that did not fit"], rows)


def disagreements(summary: Summary) -> "pd.DataFrame":
    """Return the sample of outputs that the two rules score differently."""
    rows = [
        [
            summary["benchmarks"][row["benchmark"]]["label"],
            row["id"],
            f"{summary['models'][row['model']]['label']}, {LABELS[row['given']]}",
            _short(row["output"]),
            _short(" / ".join(row["answers"])),
            f"{row['ours']:g}",
            f"{row['paper']:g}",
        ]
        for row in summary["disagreements"]["first"]
    ]
    return frame(["benchmark", "question", "model", "output", "gold", "ours", "paper's"], rows)


def every_score(summary: Summary) -> "pd.DataFrame":
    """Return one row for each score, measured or published, for the CSV file."""
    columns = ["benchmark", "model", "given", "rule", "score", "low", "high", "n", "published"]
    return frame(columns, [*_measured_rows(summary), *_published_rows(summary)])


def _measured_rows(summary: Summary) -> Iterator[list[object]]:
    for result in summary["results"]:
        label = summary["models"][result["model"]]["label"]
        for rule, score in result["scores"].items():
            where = [result["benchmark"], label, result["given"], rule]
            yield [*where, score["value"], score["low"], score["high"], result["n"], "no"]


def _published_rows(summary: Summary) -> Iterator[list[object]]:
    for row in summary["published"]:
        for name, value in row["scores"].items():
            yield [name, row["label"], "with_documents", "paper", value, None, None, None, "yes"]


def _asked(summary: Summary) -> str:
    settings = summary["asked"]
    documents = f"{settings['documents']} retrieved documents, or the question's own context"
    decoding = f"{settings['decoding']} decoding, at most {settings['max_new_tokens']} new tokens"
    return f"Asked: zero-shot, {documents}; {decoding}."


def _section(title: str, about: str, table: "pd.DataFrame") -> list[str]:
    return [] if table.empty else [f"## {title}", about, markdown(table)]


def _disagreements(summary: Summary) -> list[str]:
    found = summary["disagreements"]
    if not found["count"]:
        return ["Nowhere."]
    total = sum(result["n"] for result in summary["results"])
    said = f"{found['count']:,} of {total:,} outputs, all of them in evaluation/disagreements.jsonl."
    if found["count"] > len(found["first"]):
        said += f" {len(found['first'])} of them:"
    return [said, markdown(disagreements(summary))]


def _short(text: str, length: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
