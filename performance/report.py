"""Measure the report of a generated data set of 40,000 rows: making the page, and opening it in Chromium.

python -m performance.report --rows 40000

Rows have ten documents of 100 words. Words have their frequency in the demo's passages. `opens` is the time from the
navigation to the first rows on the page, offline, in a new browser. `search` is the time from the input event to the
list's layout, for the slowest of several searches. The page's clock measures both. Needs Chromium at /usr/bin/chromium.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from performance.measure import machine
from rag_instruct.files import save_array, write_json, write_jsonl
from rag_instruct.jobs import write_settings
from rag_instruct.llm.answers import request_key
from rag_instruct.paradigms import PARADIGMS

ROOT = Path(__file__).parent.parent
DOCUMENTS, WORDS, DIMENSION = 10, 100, 768
OPENINGS = (
    "What is the",
    "Which of the",
    "How did the",
    "Why does a",
    "In which year did",
    "Explain how",
    "Who was the",
)
SETS = {"sharegpt": "Apache-2.0", "alpaca": "CC-BY-NC-4.0", "wizardlm": "MIT", "lmsys": "LMSYS-Chat-1M"}
KINDS = ("question", "instruction", "choice", "claim")
SOUGHT = ("e", "the", "galileo", "orbit around", "telescope year", '"in the"', "^what is", "zzzz")
ROUNDS = 5


class Writer:
    """Draws texts from the demo's words."""

    def __init__(self) -> None:
        with (ROOT / "resources/demo/passages.tsv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        counts = Counter(word for row in rows for word in row["text"].split())
        self._words, self._sums = list(counts), list(accumulate(counts.values()))
        self.draw = random.Random(1)

    def text(self, words: int) -> str:
        return " ".join(self.draw.choices(self._words, cum_weights=self._sums, k=words))

    def document(self) -> str:
        return f"{self.text(2)}\n{self.text(WORDS)}"


def row(writer: Writer, number: int, paradigm: str) -> dict[str, Any]:
    """Return a row like the graph's."""
    draw = writer.draw
    sources = draw.randint(PARADIGMS[paradigm].least, PARADIGMS[paradigm].most)
    roles = ["source"] * sources + ["noise"] * (DOCUMENTS - sources)
    draw.shuffle(roles)
    name = draw.choice(list(SETS))
    return {
        "question": f"{draw.choice(OPENINGS)} {writer.text(14)}?",
        "answer": writer.text(60),
        "documents": [writer.document() for _ in roles],
        "id": f"{paradigm}-{number:016x}",
        "paradigm": paradigm,
        "passages": [_passage(draw, role) for role in roles],
        "hidden_passages": [],
        "kind": draw.choice(KINDS),
        "exemplar_id": f"{name}:{number}",
        "exemplar": writer.text(40),
        "license": SETS[name],
        "teacher": "generated",
        "prompts": "full",
        "prompt_version": 1,
        "request_keys": [],
        "corpus_license": "CC0-1.0",
    }


def _passage(draw: random.Random, role: str) -> dict[str, Any]:
    rank = draw.randint(1, 100) if role == "source" else draw.randint(201, 250)
    return {"id": str(draw.randint(1, 21_000_000)), "role": role, "rank": rank, "score": round(1.6 - rank / 400, 6)}


def record(made: dict[str, Any]) -> dict[str, Any]:
    """Return the answer, as the store has it, from which the row was made."""
    prompt = "\n\n".join(made["documents"][:3])
    request = {"model": "generated", "messages": [{"role": "user", "content": prompt}]}
    made["request_keys"] = [request_key(request)]
    text = json.dumps({"question": made["question"], "answer": made["answer"]}, indent=1)
    reply = {"text": text, "finish_reason": "stop", "usage": {"prompt_tokens": 600, "completion_tokens": 120}}
    return {
        "key": made["request_keys"][0],
        "for": "generated",
        "stage": "synthesis",
        "request": request,
        "reply": reply,
    }


def generate(folder: Path, count: int) -> list[str]:
    """Write all input files of the report for `count` rows, and return the report's command."""
    writer, names = Writer(), list(PARADIGMS)
    rows = [row(writer, number, names[number % len(names)]) for number in range(count)]
    write_jsonl(folder / "answers/generated.jsonl", (record(made) for made in rows))
    write_jsonl(folder / "generated.jsonl", rows)
    vectors = np.random.default_rng(1).standard_normal((count, DIMENSION)).astype(np.float32)
    for place, name in enumerate(names):
        write_jsonl(folder / f"pairs/{name}.jsonl", ({"id": made["id"]} for made in rows if made["paradigm"] == name))
        save_array(folder / f"search/{name}.npy", vectors[place::5] + 2 * vectors[place])
    for name, value in _summaries(rows).items():
        write_json(folder / f"{name}.json", value)
    log = folder / "logs/synthesise/generated_single_doc_answer_00.log"
    log.parent.mkdir(parents=True)
    log.write_text("took 12.5 s\n")
    return command(folder, names)


def command(folder: Path, names: Sequence[str]) -> list[str]:
    """Return the graph's command, as arguments of `python -m`."""
    of = [
        f"--{name.replace('_', '-')}={folder}/{name}.json"
        for name in ("counts", "quality_filters", "ledger", "lengths")
    ]
    given = [
        "scripts.report",
        f"{folder}/generated.jsonl",
        "--pairs",
        *(f"{folder}/pairs/{name}.jsonl" for name in names),
    ]
    given += ["--vectors", *(f"{folder}/search/{name}.npy" for name in names), *of, f"--logs={folder}/logs"]
    given += ["--names", '{"mine": ["generated"], "others": []}', "--made-of", '{"teacher": "a generator"}']
    settings = write_settings({"answers": str(folder / "answers")}, folder)
    given += [f"--template={ROOT}/resources/report/page.html", f"--settings={settings}"]
    return [*given, f"--output={folder}/report.html"]


def _summaries(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return counts, quality filters, ledger and lengths that fit the rows."""
    by_paradigm = Counter(made["paradigm"] for made in rows)
    zero = {"stopped": 0, "repeated": 0, "surplus": 0, "relabelled": 0, "gained": 0}
    exemplars = {
        name: {
            "license": licence, "from": "generated", "records": 9000, "left out": {"redacted": 100},
            "not looked at": 1000, "cleaned out": {"too short": 900}, "drawn": 7000, "wanted": 7000,
            "filtered out": {"code": 2000}, "kept": 5000,
        }
        for name, licence in SETS.items()
    }  # fmt: skip
    counts = {
        "rows": len(rows),
        "paradigms": {name: {"wanted": count, "rows": count, **zero} for name, count in by_paradigm.items()},
        "rejects": {name: {"answer in question": count // 4, "refusal": 7} for name, count in by_paradigm.items()},
        "verification": {},
        "exemplars": exemplars,
    }
    stage = {
        "requests": len(rows),
        "prompt_tokens": 600 * len(rows),
        "completion_tokens": 120 * len(rows),
        "dollars": 1.5,
    }
    ledger = {
        "dollars": 1.5,
        "prices_of": "2026-01-01",
        "counted_as_free": [],
        "stages": {"synthesis, generated": stage},
    }
    tokens = {made["id"]: sum(len(text) for text in made["documents"]) // 4 for made in rows}
    lengths = {"tokenizer": "generated", "recipe": "none", "limit": 4096, "over": 0, "too_long": 0, "control_tokens": 0}
    lengths |= {"noise_documents_dropped": 0, "tokens": tokens}
    quality_filters = {"language": {"kept": len(rows), "dropped": 3}}
    return {"counts": counts, "quality_filters": quality_filters, "ledger": ledger, "lengths": lengths}


def make(folder: Path, given: list[str]) -> tuple[float, float]:
    """Make the page. Return the seconds and the peak memory in MB."""
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "performance.run_measured", *given],
        cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE,
    )  # fmt: skip
    return time.monotonic() - began, float(ran.stdout.split()[-1])


def browse(path: Path) -> dict[str, float]:
    """Return milliseconds to the page's first rows, of the slowest search and of opening a row: medians of rounds."""
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {"opens": [], "search": [], "row": []}
    with sync_playwright() as playwright:
        for _ in range(ROUNDS):
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_context(offline=True).new_page()
            page.goto(path.as_uri(), wait_until="commit")
            page.wait_for_selector("body[data-ready-ms]", state="attached", timeout=60_000)
            found["opens"].append(float(page.evaluate("document.body.dataset.readyMs")))
            found["search"].append(max(_search(page, text) for text in SOUGHT))
            _search(page, "")
            began = time.monotonic()
            page.locator("#list a").first.click()
            page.wait_for_selector("#row .question")
            found["row"].append(1000 * (time.monotonic() - began))
            browser.close()
    return {name: median(values) for name, values in found.items()}


def _search(page: Any, text: str) -> float:
    """Return the milliseconds from the input event to the list's layout, without painting."""
    script = """text => { const q = document.getElementById("q"), began = performance.now(); q.value = text;
        q.dispatchEvent(new Event("input")); document.body.offsetHeight; return performance.now() - began; }"""
    return float(page.evaluate(script, text))


def main(arguments: argparse.Namespace) -> None:
    print(f"{machine()}; {arguments.rows:,} rows of {DOCUMENTS} documents of {WORDS} words\n")
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.keep or Path(place)
        given = generate(folder, arguments.rows)
        seconds, memory = make(folder, given)
        size = (folder / "report.html").stat().st_size / 1e6
        times = browse(folder / "report.html")
    print("| made in, s | peak memory, MB | size, MB | opens in, ms | slowest search, ms | opens a row, ms |")
    print("|---:|---:|---:|---:|---:|---:|")
    shown = " | ".join(f"{times[name]:.0f}" for name in ("opens", "search", "row"))
    print(f"| {seconds:.1f} | {memory:.0f} | {size:.1f} | {shown} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--keep", type=Path, help="an empty folder in which the files stay")
    main(parser.parse_args())
