"""Say what became of the exemplars of each set, by numbers and with samples.

    python -m scripts.report_exemplars --name rag_instruct_40k --summaries alpaca.json lmsys.json \\
        --drawn-counts drawn.json --kept kept.jsonl --dropped dropped.jsonl --unclean unclean.jsonl \\
        --filtered-by gpt-4o --seed 1 --report report.md --counts counts.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.exemplars.funnel import funnel, report, shown
from rag_instruct.files import read_json, read_jsonl, whole, write_json
from rag_instruct.logs import logger


def main(arguments: argparse.Namespace) -> None:
    parts = {
        "Kept": list(read_jsonl(arguments.kept)),
        "Filtered out": list(read_jsonl(arguments.dropped)),
        "Cleaned out": list(read_jsonl(arguments.unclean)),
    }
    summaries = [read_json(path) for path in arguments.summaries]
    found = funnel(summaries, read_json(arguments.drawn_counts), parts["Kept"], parts["Filtered out"])
    write_json(arguments.counts, found)
    with whole(arguments.report) as temporary:
        temporary.write_text(report(arguments.name, arguments.filtered_by, found, parts, arguments.seed), "utf-8")
    logger.info("%s\n%s", arguments.report, shown(found))


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--name", required=True, help="of the data set")
    parser.add_argument("--summaries", type=Path, nargs="+", required=True, help="of the sets, by load_exemplars")
    parser.add_argument("--drawn-counts", type=Path, required=True)
    parser.add_argument("--kept", type=Path, required=True)
    parser.add_argument("--dropped", type=Path, required=True)
    parser.add_argument("--unclean", type=Path, required=True, help="what draw_exemplars dropped")
    parser.add_argument("--filtered-by", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--counts", type=Path, required=True)
    cli.run(main, parser.parse_args())
