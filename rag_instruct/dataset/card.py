"""Prepares the data set for the hub: a Parquet file for each split, and a card that describes the data set."""

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from scipy.stats import chisquare

from rag_instruct.dataset.licences import hub_licence
from rag_instruct.dataset.shortfall import shortfall
from rag_instruct.evidence.summary import evidence_table
from rag_instruct.exemplars.funnel import Funnel
from rag_instruct.exemplars.funnel import shown as shown_funnel
from rag_instruct.files import is_validation, whole
from rag_instruct.record_files import as_json
from rag_instruct.schema import Row
from rag_instruct.tables import frame, markdown

PASSAGE = pa.struct(
    [
        ("id", pa.string()),
        ("role", pa.string()),
        ("rank", pa.int32()),
        ("score", pa.float64()),
        ("nearest_to", pa.string()),
        ("bits", pa.float64()),
        ("demoted", pa.bool_()),
    ]
)
LINK = pa.struct([(name, pa.string()) for name in ("kind", "naming", "named", "words")])
GAIN = pa.struct([(name, pa.float64()) for name in ("answer", "share", "clear", "question")])
EVIDENCE = pa.struct([("found", pa.string()), ("help", pa.float64()), ("gain", GAIN)])
SCHEMA = pa.schema(
    [
        ("question", pa.string()),
        ("answer", pa.string()),
        ("documents", pa.list_(pa.string())),
        ("id", pa.string()),
        ("paradigm", pa.string()),
        ("intended_paradigm", pa.string()),
        ("passages", pa.list_(PASSAGE)),
        ("links", pa.list_(LINK)),
        ("hidden_passages", pa.list_(pa.string())),
        ("unused_passages", pa.list_(pa.string())),
        ("withheld_answer", pa.string()),
        ("cited", pa.bool_()),
        ("kind", pa.string()),
        ("exemplar_id", pa.string()),
        ("exemplar", pa.string()),
        ("license", pa.string()),
        ("teacher", pa.string()),
        ("prompts", pa.string()),
        ("prompt_version", pa.int32()),
        ("request_keys", pa.list_(pa.string())),
        ("corpus_license", pa.string()),
        ("evidence", EVIDENCE),
    ]
)
FIELDS = """
| field | what |
|---|---|
| `question`, `answer`, `documents` | as in the released RAG-Instruct set; a title, if any, is a document's first line |
| `id` | unique in the data set |
| `paradigm` | the relation between question and source documents (r0 to r4 in the paper) |
| `intended_paradigm` | the paradigm that the prompt asked for, if verification or evidence changed it; otherwise null |
| `passages` | for each document: its id in the corpus, role (`source` or `noise`), rank and score in its search |
| `bits` of a source | the extra bits that question and answer cost without this document; also if it was demoted |
| `bits` of noise | the bits that this document alone saves on a token of the answer (mean) |
| `demoted` of a passage | it was a source document, but the answer does not need it |
| `evidence` | if the row was measured: the paradigm that the bits show, and the gain of its source documents |
| `links` | a source document mentions another's article. `naming`, `named`: the ids of the two; `words`: the mention |
| `hidden_passages` | ids of passages that state the answer and were kept out of the row |
| `unused_passages` | ids of noise documents that the teacher saw and left unused; otherwise null |
| `withheld_answer` | only in rows that decline: the real answer, which needs a hidden passage; otherwise null |
| `cited` | true if the answer cites the documents by their numbers, from 1; otherwise null |
| `kind` | the form of the question: question, claim, choice, command, explanation or comparison |
| `exemplar`, `exemplar_id`, `license` | the instruction that the question imitates, its id and its licence |
| `corpus_license` | the licence of the documents |
| `teacher`, `prompts`, `prompt_version`, `request_keys` | the model, prompts and requests behind the row |
"""
LIMITS = """
- A language model wrote the questions and answers. They may be wrong. The terms of use of the model's provider apply.
- A row's paradigm is only what its prompt asked for, unless verification or evidence changed it. The sections on
  verification and evidence say how many rows were tested.
- Documents are unchanged passages of the corpus. They may contain errors and outdated statements.
"""
SIZES = ((1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M"))


def split(rows: Iterable[Row], validation: float, seed: str) -> dict[str, list[Row]]:
    """Return the rows of each split that has rows.

    A hash of the seed and the row's id chooses the row's split. So the split does not change when rows are added or
    reordered.
    """
    parts: dict[str, list[Row]] = {"train": [], "validation": []}
    for row in rows:
        parts["validation" if is_validation(row.id, validation, seed) else "train"].append(row)
    return {name: part for name, part in parts.items() if part}


def write_parquet(path: Path, rows: list[Row]) -> None:
    """Write rows with the fields of SCHEMA; missing fields become null."""
    with whole(path) as temporary:
        pq.write_table(pa.Table.from_pylist(list(map(as_json, rows)), SCHEMA), temporary, compression="zstd")


def card(
    name: str,
    rows: list[Row],
    splits: Mapping[str, list[Row]],
    counts: Mapping[str, Any],
    quality_filters: Mapping[str, Mapping[str, int]],
    ledger: Mapping[str, Any],
    made_of: Mapping[str, str],
    language: str | None,
) -> str:
    """Return the card: the hub's YAML header, then Markdown.

    `made_of` has the settings that the card shows. `language` (ISO 639-1) is the language that the quality filter
    checked, or None if it checked no language.
    """
    sections = {
        "Rows": _table(["paradigm", *next(iter(counts["paradigms"].values()))], _of_counts(counts["paradigms"]))
        + _lacking(name, counts)
        + _declining(rows),
        "Fields": FIELDS.strip(),
        "How it was made": _table(["", ""], ((key, _public(value)) for key, value in made_of.items())),
        "Exemplars": _exemplars(counts["exemplars"]),
        "Verification of the paradigms": _verification(counts["verification"]),
        "Evidence in bits": _evidence(counts.get("evidence", {})),
        "Checks": _table(
            ["check", "kept", "dropped"], ((k, v["kept"], v["dropped"]) for k, v in quality_filters.items())
        ),
        "Rejected candidates": _table(["paradigm", "reason", "candidates"], _of_rejects(counts["rejects"])),
        "Place of the source documents": _places(rows),
        "Licences": _licences(rows),
        "Cost": _cost(ledger),
        "Limits": LIMITS.strip(),
        "A row of each paradigm": "\n\n".join(_samples(rows)),
    }
    header = yaml.safe_dump(_header(name, rows, splits, language), sort_keys=False, allow_unicode=True)
    intro = (
        f"{len(rows):,} rows of retrieval-augmented instruction data, made by the method of "
        "[RAG-Instruct](https://arxiv.org/abs/2501.00353). An exemplar instruction retrieves documents. A model writes "
        "a question and an answer that have a chosen relation to the documents. Rows may also contain noise documents."
    )
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"---\n{header}---\n\n# {name}\n\n{intro}\n\n{body}\n"


def _header(name: str, rows: list[Row], splits: Mapping[str, list[Row]], language: str | None) -> dict[str, Any]:
    licences = {row.license for row in rows} | {row.corpus_license for row in rows}
    on_hub = hub_licence(next(iter(licences))) if len(licences) == 1 else "other"
    named = next(iter(licences)) if len(licences) == 1 else "by-row"
    return {
        "pretty_name": name,
        **({"language": [language]} if language else {}),
        "license": on_hub,
        **({"license_name": re.sub(r"[^a-z0-9.]+", "-", named.lower()).strip("-")} if on_hub == "other" else {}),
        "task_categories": ["question-answering", "text-generation"],
        "tags": ["retrieval-augmented-generation", "rag-instruct", "synthetic"],
        "size_categories": [next((size for most, size in SIZES if len(rows) < most), "n>1M")],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": part, "path": f"data/{part}.parquet"} for part in splits],
            }
        ],
    }


def _lacking(name: str, counts: Mapping[str, Any]) -> str:
    """Return a paragraph about missing rows, or ""."""
    said = shortfall(name, counts)
    return f"\n\n{said}" if said else ""


def _declining(rows: list[Row]) -> str:
    """Return a paragraph about rows that decline, or ""."""
    count = sum(bool(row.withheld_answer) for row in rows)
    said = "rows decline: a document that the answer needs is withheld, and the answer says what is missing."
    return f"\n\n{count:,} {said}" if count else ""


def _table(heads: list[str], rows: Iterable[Iterable[Any]]) -> str:
    return markdown(frame(heads, rows))


def _verification(verification: Mapping[str, Mapping[str, Any]]) -> str:
    if not verification:
        return "No judge has tested the rows (`verification` in config.yaml)."
    found_names = list(next(iter(verification.values()))["found"])
    lines = []
    for intended, line in verification.items():
        passed, interval = f"{line['passed']} of {line['tested']}", "{} to {}".format(*line["passed_share"])
        lines.append([intended, *(line["found"][name] for name in found_names), line["untested"], passed, interval])
    explanation = (
        "A judge answered each tested question in four ways: from memory, from the source documents and memory, from "
        "the source documents alone and, if several are enough together, from fewer of them. The right answers show "
        "the row's paradigm.\n\n"
        "Lines: the paradigm that the row was written for. Columns: the paradigm that the test found. `undecided`: the "
        "judge knew the answer, so the test cannot show whether the documents help. `doubtful`: the judge says that "
        "the row's answer is wrong. `untested`: a reply of the judge was unreadable. `share passed`: the 95 % interval "
        "of the share of rows that passed.\n\n"
        "A row passes if the test found the paradigm that the row was written for. `undecided` passes too, except for "
        "rows whose documents should state the answer. A row fails if a noise document answers the question. "
        "Superfluous source documents became noise documents, unless too few source documents would be left for the "
        "paradigm."
    )
    return f"{explanation}\n\n{_table(['written for', *found_names, 'untested', 'passed', 'share passed'], lines)}"


def _evidence(evidence: Mapping[str, Any]) -> str:
    """Return the section on the rows' bits."""
    if not evidence:
        return "No row was measured (`evidence` in config.yaml)."
    explanation = (
        f"A small model read each of {evidence['rows']:,} rows with its source documents, with random documents, and "
        "without documents. `help` adds two numbers. The first is how many bits the source documents save on a token "
        "of the answer, compared with the cheaper case: random documents, or no documents. The second is a part of the "
        "bits that the source documents save on a token of the question. `share`: the share of the answer's bits that "
        "the source documents save, compared with random documents. A row is as intended if its numbers, and how many "
        "documents its answer needs, fit its paradigm, and no noise document states the answer. "
        "The thresholds have errors. Of 266 English rows by a capable teacher, the default model and thresholds judged "
        "24 wrongly. Three of the five thresholds were chosen on these rows."
    )
    noise = f"Superfluous source documents: {evidence['superfluous']:,}. Noise documents that state the answer: "
    return f"{explanation}\n\n{markdown(evidence_table(evidence))}\n\n{noise}{evidence['answering_noise']:,}."


def _exemplars(found: Funnel) -> str:
    sets = "\n".join(f"- {name}: {_public(one['from'])}, {one['license']}" for name, one in found.items())
    explanation = "The records of each instruction set, and what each step did with them:"
    return f"{sets}\n\n{explanation}\n\n{shown_funnel(found)}"


def _of_counts(paradigms: Mapping[str, Mapping[str, int]]) -> Iterable[list[Any]]:
    for name, counted in paradigms.items():
        yield [name, *counted.values()]


def _of_rejects(rejects: Mapping[str, Mapping[str, int]]) -> Iterable[list[Any]]:
    for paradigm, reasons in rejects.items():
        for reason, count in reasons.items():
            yield [paradigm, reason, count]


def places(rows: Iterable[Row]) -> list[int]:
    """Return the number of rows with a source document at the first place, at the second place, and so on.

    We count only rows that have the most frequent number of documents.
    """
    rows = list(rows)
    usual = Counter(len(row.documents) for row in rows).most_common(1)[0][0]
    counts = [0] * usual
    for row in rows:
        if len(row.documents) == usual:
            for place, passage in enumerate(row.passages):
                counts[place] += passage.role == "source"
    return counts


def _places(rows: list[Row]) -> str:
    counts = places(rows)
    if len(counts) < 2:
        return "Most rows have one document, so its place says nothing."
    test = chisquare(counts)
    said = f"Source documents at places 1 to {len(counts)}: {', '.join(map(str, counts))}."
    return (
        f"{said} Test whether all places are equally frequent: chi-squared {test.statistic:.1f}, p = {test.pvalue:.2f}."
    )


def _licences(rows: list[Row]) -> str:
    by_set = Counter((row.exemplar_id.rsplit(":", 1)[0], row.license) for row in rows)
    lines = [["exemplars", name, licence, count] for (name, licence), count in sorted(by_set.items())]
    lines += [
        ["documents", "corpus", name, count] for name, count in Counter(row.corpus_license for row in rows).items()
    ]
    return _table(["part", "source", "licence", "rows"], lines)


def _cost(ledger: Mapping[str, Any]) -> str:
    counted = ("requests", "prompt_tokens", "completion_tokens")
    lines = [
        [stage, *(account.get(name, 0) for name in counted), f"{account.get('dollars', 0):.4f}"]
        for stage, account in ledger["stages"].items()
    ]
    table = _table(["stage and model", "requests", "tokens in", "tokens out", "dollars"], lines)
    free = ", ".join(ledger["counted_as_free"])
    note = f" Counted as free, because no price is known: {free}." if free else ""
    return f"{table}\n\n{ledger['dollars']:.4f} dollars at the prices of {ledger['prices_of']}.{note}"


def _samples(rows: list[Row]) -> Iterable[str]:
    # Later entries overwrite earlier ones, so the row with the smallest id stays.
    first = {row.paradigm: row for row in sorted(rows, key=lambda row: row.id, reverse=True)}
    for paradigm, row in sorted(first.items()):
        shown = [f"**{paradigm}** ({row.id})", f"> {_quoted(row.question)}", f"> {_quoted(row.answer)}"]
        documents = zip(row.documents, row.passages, strict=True)
        shown.append("\n".join(f"- {p.role}: {textwrap.shorten(text, 160)}" for text, p in documents))
        yield "\n\n".join(shown)


def _quoted(text: str) -> str:
    return text.replace("\n", "\n> ")


def _public(value: Any) -> Any:
    """Return a value for the public card. A path on this machine becomes the name of its file or folder."""
    return re.sub(r"(?<!\S)/(?:[^,;]*/)?([^/,;]+)", r"\1", value) if isinstance(value, str) else value
