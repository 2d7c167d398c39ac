"""List the requests that a data set paid for, and those of other data sets whose answers it uses.

    python -m scripts.ledger rag_instruct_40k.jsonl rejects.jsonl kept.jsonl dropped.jsonl --dataset rag_instruct_40k \\
        --ledger ledger.jsonl --summary ledger.json

Args:
    rows: .jsonl files whose records have request keys, the data set first
    dataset: name of the data set
    ledger: output, .jsonl: one line for each request
    summary: output, .json: tokens and dollars by stage and model
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.costs.ledger import entries, request_keys
from rag_instruct.costs.ledger import summary as summed
from rag_instruct.errors import UserError
from rag_instruct.files import read_jsonl, write_json, write_jsonl
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.session import account_of
from rag_instruct.logs import logger


def main(rows: list[Path], *, dataset: str, ledger: Path, summary: Path, settings: Path | None = None) -> None:
    given = job_settings(settings)
    account = account_of(given, dataset, "ledger")
    of_rows, *of_others = [set(request_keys(read_jsonl(path))) for path in rows]
    used = of_rows.union(*of_others)
    found = entries(AnswerStore(Path(given["answers"])), used, account)
    lacking = used - {entry["key"] for entry in found}
    if lacking & of_rows:
        raise UserError(
            f"{given['answers']}: {len(lacking)} of the {len(used)} answers that {dataset} was made from are not in "
            f"this store, for example {min(lacking)}: restore the store's files, or make the data set again"
        )
    if lacking:  # `scripts.answers compact --forget-failures` removes requests that rejects, exemplars or verdicts name
        logger.warning(
            "%s: the ledger leaves out %d requests that gave no row and are no longer in the store",
            dataset,
            len(lacking),
        )
    total = summed(found, account)
    write_jsonl(ledger, found)
    write_json(summary, total)
    cost = f"{total['dollars']:.4f} dollars at the prices of {total['prices_of']}"
    logger.info("%s: %d calls, %s", dataset, len(found), cost)


if __name__ == "__main__":
    cli.run(main)
