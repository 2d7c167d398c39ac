"""Account for every call that a data set used or paid for.

    python -m scripts.ledger rag_instruct_40k.jsonl rejects.jsonl kept.jsonl dropped.jsonl --dataset rag_instruct_40k \\
        --ledger ledger.jsonl --summary ledger.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.costs.ledger import entries, request_keys, summary
from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl, write_json, write_jsonl
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.session import account_of
from rag_instruct.logs import logger


def main(arguments: argparse.Namespace) -> None:
    settings = job_settings()
    account = account_of(settings, arguments.dataset, "ledger")
    used = {key for path in arguments.rows for key in request_keys(read_jsonl(path))}
    found = entries(AnswerStore(Path(settings["answers"])), used, account)
    if lacking := used - {entry["key"] for entry in found}:
        raise UserError(
            f"{settings['answers']}: {len(lacking)} of the {len(used)} answers that {arguments.dataset} was made of "
            f"are not in the store, the first is {min(lacking)}: put its files back, or make the data set anew"
        )
    total = summary(found, account)
    write_jsonl(arguments.ledger, found)
    write_json(arguments.summary, total)
    cost = f"{total['dollars']:.4f} dollars at the prices of {total['prices_of']}"
    logger.info("%s: %d calls, %s", arguments.dataset, len(found), cost)


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("rows", type=Path, nargs="+", help="whatever names its requests")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--summary", type=Path, required=True)
    cli.run(main, parser.parse_args())
