"""Measure how documents become passages, with the graph's command: 5,000 PDF pages, and other files of the same texts.

python -m performance.documents --pages 5000

The PDF files have two columns of generated sentences, headings, running headers and page numbers; 250 pages each. Their
words have their frequency in the demo's corpus. With --folder, the documents of that folder are measured instead.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from performance.exemplars import Writer
from performance.measure import machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import office

FILE_PAGES = 250
SECTIONS = 4  # of a page


def sections(writer: Writer, page: int) -> list[tuple[str, str]]:
    """Return the headings and texts of a page."""
    texts = writer.texts(np.full(SECTIONS, 9))
    return [(f"{page}.{number} {text[:30].title()}", f"{text}.") for number, text in enumerate(texts, start=1)]


def pdf_page(parts: list[tuple[str, str]], page: int) -> list[tuple[float, float, float, bool, str]]:
    """Return the lines of a page with two columns."""
    lines: list[tuple[float, float, float, bool, str]] = [
        (72, 760, 9, False, "Measured documents"),
        (300, 30, 9, False, str(page)),
    ]
    for number, (heading, text) in enumerate(parts):
        left, top = (50 if number < SECTIONS // 2 else 320), 700 - 320 * (number % (SECTIONS // 2))
        lines += [(left, top, 12, True, heading), *office.column(text, left=left, top=top - 20, size=9, width=52)]
    return lines


def generate(folder: Path, pages: int) -> None:
    """Write the same texts as PDF, HTML, Markdown and Word files."""
    writer = Writer(1)
    for first in range(1, pages + 1, FILE_PAGES):
        numbers = range(first, min(first + FILE_PAGES, pages + 1))
        found = {page: sections(writer, page) for page in numbers}
        parts = [part for page in numbers for part in found[page]]
        for kind in ("pdf", "html", "md", "docx"):
            (folder / kind).mkdir(exist_ok=True)
        name = f"{first:06d}"
        office.pdf(folder / f"pdf/{name}.pdf", [pdf_page(found[page], page) for page in numbers])
        body = "".join(f"<h2>{heading}</h2><p>{text}</p>" for heading, text in parts)
        (folder / f"html/{name}.html").write_text(f"<html><body><main>{body}</main></body></html>", "utf-8")
        (folder / f"md/{name}.md").write_text(
            "".join(f"## {heading}\n\n{text}\n\n" for heading, text in parts), "utf-8"
        )
        office.docx(folder / f"docx/{name}.docx", [one for h, text in parts for one in (("Heading 2", h), text)])


def measure(folder: Path, split: str) -> tuple[float, float, str]:
    """Import a folder. Return seconds of processor time, peak memory in MB, and the number of passages.

    The import uses one core, so processor time is what it takes on a machine without other work.
    """
    with tempfile.TemporaryDirectory() as output:
        given = ["--words", "150", "--split", split, "--output", f"{output}/p.arrow", "--info", f"{output}/p.json"]
        command = [sys.executable, "-m", "performance.run_measured", "scripts.import_passages", str(folder), *given]
        before = os.times()
        ran = subprocess.run(command, check=True, capture_output=True, text=True)
        after = os.times()
        seconds = after.children_user + after.children_system - before.children_user - before.children_system
        made = json.loads(Path(output, "p.json").read_text("utf-8"))["passages"]
    return seconds, float(ran.stdout.split()[-1]), f"{made:,} passages"


def main(arguments: argparse.Namespace) -> None:
    print(machine())
    if arguments.folder:
        for split in ("structure", "windows"):
            seconds, memory, made = measure(arguments.folder, split)
            print(f"{split:10} {seconds:7.1f} s {memory:6,.0f} MB {made}")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        generate(folder, arguments.pages)
        for kind in ("pdf", "html", "md", "docx"):
            seconds, memory, made = measure(folder / kind, "structure")
            size = sum(path.stat().st_size for path in (folder / kind).iterdir()) / 1e6
            rate = arguments.pages / seconds
            print(f"{kind:5} {size:7.1f} MB {seconds:7.1f} s {rate:7.0f} pages/s {memory:6,.0f} MB {made}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=5000)
    parser.add_argument("--folder", type=Path, help="a folder of documents of your own")
    main(parser.parse_args())
