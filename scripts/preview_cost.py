"""Print what a data set would still cost, and what the store already holds. Buys nothing.

python -m scripts.preview_cost --dataset rag_instruct_40k --output cost_preview.json
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from rag_instruct import cli
from rag_instruct.costs import evaluation_preview as evaluation_preview
from rag_instruct.costs.preview import preview, table
from rag_instruct.files import write_json
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.session import purse_of


def main(arguments: argparse.Namespace) -> None:
    settings = job_settings()
    purse = purse_of(settings, arguments.dataset, "preview")
    results, store = Path("results"), AnswerStore(Path(settings["answers"]))
    estimates = preview(settings, arguments.dataset, results, arguments.prompts, purse)
    estimates += evaluation_preview.preview(settings, arguments.dataset, results, store, purse)
    print(table(estimates, purse.spent(store), purse))
    write_json(arguments.output, [asdict(one) for one in estimates])


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--prompts", type=Path, default=Path("resources/prompts"), help="folder")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
