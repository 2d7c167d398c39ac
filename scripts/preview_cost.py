"""Print what a data set would still cost, and what the store already contains. This buys nothing.

python -m scripts.preview_cost --dataset rag_instruct_40k --output cost_preview.json

Args:
    dataset: key of `datasets` in config.yaml
    prompts: folder of prompts; default: resources/prompts
    output: output, .json
    snakefile: Snakefile that tells which files are stale; default: all files count as current
    configfile: YAML files with settings that override config.yaml, for this Snakefile
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rag_instruct import cli
from rag_instruct.costs.embedding_preview import preview_embedding
from rag_instruct.costs.estimate import subtract_stored
from rag_instruct.costs.evaluation_preview import preview_evaluation
from rag_instruct.costs.inputs import current_files
from rag_instruct.costs.preview import preview_data_set
from rag_instruct.costs.tables import preview_table
from rag_instruct.files import write_json
from rag_instruct.graph.keys import WARNING, missing_keys_of
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.session import account_of
from rag_instruct.paradigms import is_refilled
from rag_instruct.project import root


def main(
    *,
    dataset: str,
    prompts: Path | None = None,
    output: Path,
    settings: Path | None = None,
    snakefile: Path | None = None,
    configfile: Sequence[Path] = (),
) -> None:
    given = job_settings(settings)
    account = account_of(given, dataset, "preview")
    results, store = Path("results"), AnswerStore(Path(given["answers"]))
    folder = prompts or root() / "resources/prompts"
    current = current_files(given, dataset, results, snakefile, configfile)
    estimates = preview_embedding(given, dataset, results, store, account, current)
    estimates += preview_data_set(given, dataset, results, folder, account, current)
    estimates += preview_evaluation(given, dataset, results, store, account, current)
    subtract_stored(estimates, store)
    print(preview_table(estimates, account.spent(store), account, is_refilled(given["datasets"][dataset])))
    for said in missing_keys_of(given, dataset, {one.model for one in estimates if one.requests}):
        print(f"{WARNING}{said}")
    write_json(output, [asdict(one) for one in estimates])


if __name__ == "__main__":
    cli.run(main)
