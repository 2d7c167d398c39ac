"""Print what a data set would still cost, and what the store already holds. Buys nothing.

python -m scripts.preview_cost --dataset rag_instruct_40k --output cost_preview.json
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from rag_instruct import cli
from rag_instruct.costs.evaluation_preview import preview_evaluation
from rag_instruct.costs.preview import preview_data_set
from rag_instruct.costs.tables import preview_table
from rag_instruct.files import write_json
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.session import account_of


def main(arguments: argparse.Namespace) -> None:
    settings = job_settings()
    account = account_of(settings, arguments.dataset, "preview")
    results, store = Path("results"), AnswerStore(Path(settings["answers"]))
    estimates = preview_data_set(settings, arguments.dataset, results, Path("resources/prompts"), account)
    estimates += preview_evaluation(settings, arguments.dataset, results, store, account)
    print(preview_table(estimates, account.spent(store), account))
    write_json(arguments.output, [asdict(one) for one in estimates])


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
