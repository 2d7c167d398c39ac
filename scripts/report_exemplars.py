"""Report how many exemplars of each set were dropped, at which step and why, with samples.

    python -m scripts.report_exemplars --name rag_instruct_40k --summaries alpaca.json lmsys.json \\
        --drawn-counts drawn.json --kept kept.jsonl --dropped dropped.jsonl --unclean unclean.jsonl \\
        --filtered-by gpt-4o --seed 1 --report report.md --counts counts.json

Args:
    name: name of the data set
    summaries: .json files of scripts.load_exemplars
    drawn_counts: .json of scripts.draw_exemplars
    kept: exemplars that the filter kept, .jsonl
    dropped: exemplars that the filter dropped, .jsonl
    unclean: exemplars that cleaning dropped, .jsonl of scripts.draw_exemplars
    filtered_by: name of the filter, for the report
    seed: draws the samples
    report: output, .md
    counts: output, .json
"""

from collections.abc import Sequence
from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.funnel import funnel, shown
from rag_instruct.exemplars.funnel import report as text_of
from rag_instruct.files import read_json, write_json, write_text
from rag_instruct.logs import logger
from rag_instruct.record_files import read_records
from rag_instruct.schema import DroppedExemplar, Exemplar


def main(
    *,
    name: str,
    summaries: list[Path],
    drawn_counts: Path,
    kept: Path,
    dropped: Path,
    unclean: Path,
    filtered_by: str,
    seed: str,
    report: Path,
    counts: Path,
) -> None:
    stayed = list(read_records(kept, Exemplar))
    filtered_out, cleaned_out = (list(read_records(path, DroppedExemplar)) for path in (dropped, unclean))
    parts: dict[str, Sequence[Exemplar]] = {"Kept": stayed, "Filtered out": filtered_out, "Cleaned out": cleaned_out}
    described = [read_json(path) for path in summaries]
    found = funnel(described, read_json(drawn_counts), stayed, filtered_out)
    write_json(counts, found)
    write_text(report, text_of(name, filtered_by, found, parts, seed))
    logger.info("%s\n%s", report, shown(found))


if __name__ == "__main__":
    cli.run(main)
