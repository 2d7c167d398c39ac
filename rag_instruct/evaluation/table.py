"""An evaluation as tables to read: Markdown for people, CSV for spreadsheets."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

Table = dict[str, Any]  # results/<dataset>/evaluation.json
GIVEN = {"with_documents": "documents", "closed_book": "closed book"}
METRICS = {"accuracy": "acc", "exact_match": "EM", "f1": "F1"}
RETRIEVAL = {"recall": "recall", "answer_in_documents": "answer in"}
FOUND = """\
In percent: the known gold passages that are among the first k documents, and the questions whose answer stands in one
of these."""
EXPLAINED = """\
Scores in percent with 95 % intervals over the questions. *ours* is the benchmark's own rule (acc or EM) as
the field defines it, *paper's* the original scorer's, by which published rows were scored; docs/scoring.md says where
they differ."""


def markdown(table: Table) -> str:
    """The whole evaluation."""
    parts = [
        f"# Evaluation of {table['dataset']}",
        EXPLAINED,
        _asked(table),
        grid(*main_table(table)),
        *_section("What documents add", "Over the same model's closed-book answers.", _gains(table, "documents")),
        *_section("What training adds", "Over the base model, asked alike.", _gains(table, "training")),
        *_section("Retrieval", FOUND, _retrieval(table)),
        *_section("What was counted", "", _counts(table)),
        *_disagreements(table),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def main_table(table: Table) -> tuple[list[str], list[list[str]]]:
    """Head and rows: models by benchmarks, by our rule and by the paper's, and what was published."""
    names = list(table["benchmarks"])
    heads = [_head(table, name) for name in names]
    rows = []
    for (model, given), cells in by_contestant(table):
        for rule in ("ours", "paper's"):
            scores = [_score(cells.get(name), rule) for name in names]
            rows.append([table["models"][model]["label"], GIVEN[given], rule, *scores])
    rows += [
        [f"{row['label']} (published)", "documents", "paper's", *(_plain(row["scores"].get(name)) for name in names)]
        for row in table["published"]
    ]
    return ["model", "given", "rule", *heads], rows


def by_contestant(table: Table) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """For every model and way of asking, its results by benchmark."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for model in table["models"]:
        for given in GIVEN:
            cells = {r["benchmark"]: r for r in table["results"] if (r["model"], r["given"]) == (model, given)}
            if cells:
                found[model, given] = cells
    yield from found.items()


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with columns of even width, as it is read in a terminal too; numbers stand to the right."""
    table = [[cell.replace("|", "\\|") for cell in line] for line in (head, *rows)]
    columns = list(zip(*table, strict=True))
    right = [all(map(_is_number, column[1:])) for column in columns]
    widths = [max(3, *map(len, column)) for column in columns]
    rule = ["-" * (width - 1) + ":" if numbers else "-" * width for width, numbers in zip(widths, right, strict=True)]
    lines = [table[0], rule, *table[1:]]
    return "\n".join(f"| {' | '.join(map(_padded, line, widths, right))} |" for line in lines)


def _padded(cell: str, width: int, right: bool) -> str:
    return cell.rjust(width) if right else cell.ljust(width)


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell[:1] in ("+", "-", "<")


def _asked(table: Table) -> str:
    asked = table["asked"]
    documents = f"{asked['documents']} retrieved documents, or the question's own context"
    return f"Asked: zero-shot, {documents}; {asked['decoding']} decoding, at most {asked['max_new_tokens']} new tokens."


def _head(table: Table, name: str) -> str:
    benchmark = table["benchmarks"][name]
    return f"{benchmark['label']} {METRICS[benchmark['metric']]}, n = {benchmark['n']:,}"


def _score(result: dict[str, Any] | None, rule: str) -> str:
    if result is None:
        return "-"
    score = result["scores"][result["metric"] if rule == "ours" else "paper"]
    return f"{score['value']:.1f} ({score['low']:.1f}-{score['high']:.1f})"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _section(title: str, said: str, lines: str) -> list[str]:
    return [f"## {title}", said, lines] if lines else []


def _gains(table: Table, kind: str) -> str:
    found = [gain for gain in table["gains"] if gain["kind"] == kind]
    if not found:
        return ""
    rows = [
        [
            table["benchmarks"][gain["benchmark"]]["label"],
            table["models"][gain["after"]["model"]]["label"],
            GIVEN[gain["after"]["given"]],
            f"{gain['value']:+.1f}",
            f"{gain['low']:+.1f} to {gain['high']:+.1f}",
            f"{gain['p']:.3f}" if gain["p"] >= 0.001 else "< 0.001",
        ]
        for gain in found
    ]
    return grid(["benchmark", "model", "given", "gain, points", "95 % interval", "p, paired"], rows)


def _retrieval(table: Table) -> str:
    """Recall of gold passages, and whether an answer is in the documents at all, by how many of them are read."""
    found = {name: measured for name, measured in table["retrieval"].items() if any(map(measured.get, RETRIEVAL))}
    if not found:
        return ""
    columns = [
        (kind, depth)
        for kind in RETRIEVAL
        for depth in sorted({int(depth) for measured in found.values() for depth in measured[kind]})
    ]
    rows = [
        [
            table["benchmarks"][name]["label"],
            *(_share(measured[kind].get(str(depth), measured[kind].get(depth))) for kind, depth in columns),
        ]
        for name, measured in found.items()
    ]
    return grid(["benchmark", *(f"{RETRIEVAL[kind]}@{depth}" for kind, depth in columns)], rows)


def _share(value: float | None) -> str:
    return _plain(None if value is None else 100 * value)


def _counts(table: Table) -> str:
    rows = [
        [
            table["models"][result["model"]]["label"],
            GIVEN[result["given"]],
            table["benchmarks"][result["benchmark"]]["label"],
            *(f"{result[name]:,}" for name in ("n", "failed", "cut_off", "documents_left_out")),
        ]
        for result in table["results"]
    ]
    return grid(["model", "given", "benchmark", "answers", "failed", "cut off", "documents that did not fit"], rows)


def _disagreements(table: Table) -> list[str]:
    found = table["disagreements"]
    if not found["count"]:
        return ["## Where the two rules disagree", "Nowhere."]
    rows = [
        [
            table["benchmarks"][row["benchmark"]]["label"],
            row["id"],
            f"{table['models'][row['model']]['label']}, {GIVEN[row['given']]}",
            _short(row["output"]),
            _short(" / ".join(row["answers"])),
            f"{row['ours']:g}",
            f"{row['paper']:g}",
        ]
        for row in found["first"]
    ]
    total = sum(result["n"] for result in table["results"])
    said = f"{found['count']:,} of {total:,} outputs, all of them in evaluation/disagreements.jsonl."
    if found["count"] > len(found["first"]):
        said += f" {len(found['first'])} of them:"
    head = ["benchmark", "question", "model", "output", "gold", "ours", "paper's"]
    return ["## Where the two rules disagree", said, grid(head, rows)]


def _short(text: str, length: int = 90) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def comma_separated(table: Table) -> str:
    """One line a score: benchmark, model, given, rule, percent, interval, n, whether published."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["benchmark", "model", "given", "rule", "score", "low", "high", "n", "published"])
    for result in table["results"]:
        model = table["models"][result["model"]]["label"]
        for rule, score in result["scores"].items():
            where = [result["benchmark"], model, result["given"], rule]
            writer.writerow([*where, score["value"], score["low"], score["high"], result["n"], "no"])
    for row in table["published"]:
        for name, value in row["scores"].items():
            writer.writerow([name, row["label"], "with_documents", "paper", value, "", "", "", "yes"])
    return file.getvalue()
