"""Print what a data set would still cost, and what the store already holds. Buys nothing.

python -m scripts.preview_cost --dataset rag_instruct_40k --output cost_preview.json

Args:
    settings: the graph's resolved settings; left out, config.yaml
"""

from dataclasses import asdict
from pathlib import Path

from rag_instruct import cli
from rag_instruct.costs import evaluation_preview as evaluation_preview
from rag_instruct.costs.preview import preview, table
from rag_instruct.files import write_json
from rag_instruct.jobs import job_settings
from rag_instruct.llm.answers import AnswerStore
from rag_instruct.llm.session import purse_of
from rag_instruct.project import root


def main(*, dataset: str, output: Path, settings: Path | None = None) -> None:
    given = job_settings(settings)
    purse = purse_of(given, dataset, "preview")
    results, store = Path("results"), AnswerStore(Path(given["answers"]))
    estimates = preview(given, dataset, results, root() / "resources/prompts", purse)
    estimates += evaluation_preview.preview(given, dataset, results, store, purse)
    print(table(estimates, purse.spent(store), purse))
    write_json(output, [asdict(one) for one in estimates])


if __name__ == "__main__":
    cli.run(main)
