"""The demo as it was once built with its real teacher: answers, rankings and bytes, to build it from without a model.

`make record-demo` makes the recording anew, in some ten minutes on two cores. Another processor may round otherwise,
and so rank passages otherwise: then the recorded rankings take the place of the search, and a warning says so.
"""

import argparse
import gzip
import hashlib
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests/data/recorded_demo"
ANSWERS, SUMMARY = FOLDER / "answers.jsonl.gz", FOLDER / "recording.json"
MEASURED = FOLDER / "measured.jsonl.gz"
TARGET = "results/rag_instruct_demo.jsonl"
SEARCH = "results/rag_instruct_demo/search"
QUERIES = (
    "exemplars",
    "first_documents",
    "useless_doc",
    "single_doc_support",
    "multi_doc_support",
    "single_doc_answer",
    "multi_doc_answer",
)
ROUNDING = 1e-3  # by how much scores of the same search may differ between processors
REMEDY = "make record-demo"

Ranking = dict[str, list[tuple[str, float]]]  # by query: passages and scores, best first


def summary() -> dict[str, Any]:
    """What was recorded: sha256 of the data set, numbers of answers and measurements, processor."""
    read: dict[str, Any] = json.loads(SUMMARY.read_text())
    return read


def answers() -> list[dict[str, Any]]:
    """The recorded records of the store."""
    return [json.loads(line) for line in gzip.decompress(ANSWERS.read_bytes()).splitlines()]


def unpack_answers(project: Path) -> None:
    """Put the recorded answers, and the recorded bits of the rows, into a project's stores."""
    unpack_measured(project)
    (project / "answers/0-recorded.jsonl").write_bytes(gzip.decompress(ANSWERS.read_bytes()))


def unpack_measured(project: Path) -> None:
    """Put the recorded bits of the rows into a project's store: to measure them takes minutes."""
    (project / "answers/measured").mkdir(parents=True, exist_ok=True)
    if MEASURED.exists():
        (project / "answers/measured/0-recorded.jsonl").write_bytes(gzip.decompress(MEASURED.read_bytes()))


def unpack_runs(project: Path) -> dict[str, str]:
    """Put the recorded rankings into a project; their paths, as a data set's `runs` wants them."""
    paths = {}
    for name in QUERIES:
        paths[name] = f"recorded_{name}.trec"
        (project / paths[name]).write_bytes(gzip.decompress((FOLDER / f"{name}.trec.gz").read_bytes()))
    return paths


def ranking(trec: str) -> Ranking:
    """What a run in TREC's format says."""
    found: Ranking = {}
    for line in trec.splitlines():
        query, _, passage, _, score, _ = line.split()
        found.setdefault(query, []).append((passage, float(score)))
    return found


def rounded_otherwise(recorded: Ranking, searched: Ranking) -> bool:
    """Whether two searches are the same but for rounding: every passage has as good as its score, those at the end
    of a ranking may be others."""
    return recorded.keys() == searched.keys() and all(_rounded(hits, searched[q]) for q, hits in recorded.items())


def _rounded(recorded: list[tuple[str, float]], searched: list[tuple[str, float]]) -> bool:
    scores, lowest = dict(searched), recorded[-1][1]
    return (
        len(recorded) == len(searched)
        and all(abs(one[1] - other[1]) < ROUNDING for one, other in zip(recorded, searched, strict=True))
        and all(
            abs(scores[passage] - score) < ROUNDING if passage in scores else score < lowest + 2 * ROUNDING
            for passage, score in recorded
        )
    )


def ranks_alike(project: Path) -> bool:
    """Whether a project's first searches find the recorded passages in the recorded order."""
    for name in ("exemplars", "first_documents"):
        recorded = ranking(gzip.decompress((FOLDER / f"{name}.trec.gz").read_bytes()).decode())
        if order(recorded) != order(ranking((project / SEARCH / f"{name}.trec").read_text())):
            return False
    return True


def order(found: Ranking) -> dict[str, list[str]]:
    return {query: [passage for passage, _ in hits] for query, hits in found.items()}


def search_fits(project: Path) -> bool:
    """Whether a project's searches are the recorded ones, but for rounding; that of the exemplars has to be there.

    Of the paradigms' searches those of the same questions count: another source document gives another question.
    """
    if not (project / SEARCH / "exemplars.trec").exists():
        return False
    for path in (project / SEARCH).glob("*.trec"):
        recorded = ranking(gzip.decompress((FOLDER / f"{path.name}.gz").read_bytes()).decode())
        searched = ranking(path.read_text())
        if path.stem != "exemplars":
            same = recorded.keys() & searched.keys()
            recorded, searched = ({query: part[query] for query in same} for part in (recorded, searched))
        if not rounded_otherwise(recorded, searched):
            return False
    return True


def processor() -> str:
    """The processor's name and model, and how wide it reckons: what decides how it rounds."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor()
    said = dict(re.findall(r"^(.+?)\s*:\s*(.*)$", info.read_text(), re.M))
    wide = sorted(flag for flag in said.get("flags", "").split() if flag.startswith(("avx", "fma", "amx")))
    return " ".join([*(said.get(key, "") for key in ("model name", "cpu family", "model", "stepping")), *wide])


def record(built: Path) -> None:
    """Keep what a project has built, whose answers were all given by the real teacher."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    lines = _pack_store(built / "answers", ANSWERS)
    measured = _pack_store(built / "answers/measured", MEASURED)
    for name in QUERIES:
        _pack(FOLDER / f"{name}.trec.gz", (built / SEARCH / f"{name}.trec").read_text())
    sha256 = hashlib.sha256((built / TARGET).read_bytes()).hexdigest()
    told = {"sha256": sha256, "answers": lines, "measured": measured, "processor": processor()}
    SUMMARY.write_text(json.dumps(told, indent=2) + "\n")
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(
        f"recorded: {lines} answers, {measured} measurements, {len(QUERIES)} rankings, {size:,} bytes in {FOLDER.relative_to(ROOT)}"
    )


def _pack_store(store: Path, packed: Path) -> int:
    """Pack the records of a store; their number."""
    segments = sorted(store.glob("*.jsonl"))
    lines = sorted(line for path in segments for line in path.read_text("utf-8").splitlines())
    _pack(packed, "".join(f"{line}\n" for line in lines))
    return len(lines)


def _pack(path: Path, text: str) -> None:
    """As gzip without a time, so that the same text is the same file."""
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def main(keep: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="record_demo_") as temporary:
        folder = keep or Path(temporary)
        if not (folder / TARGET).exists():
            clone = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
            for name in filter(None, subprocess.check_output(clone, cwd=ROOT, text=True).split("\0")):
                if (ROOT / name).exists():
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / name, folder / name)
            subprocess.run([sys.executable, "-m", "snakemake", "--cores", "all", "--", TARGET], cwd=folder, check=True)
        record(folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--built", type=Path, help="a project that has built the demo, instead of building it now")
    main(parser.parse_args().built)
