"""Count the tokens of a data set's rows as training with a recipe does.

    python -m scripts.measure_lengths rag_instruct_40k.jsonl --recipe resources/recipes/llama_3_1_8b.yaml \\
        --output lengths.json

Args:
    dataset: .jsonl
    recipe: recipe with the model (for the tokenizer and chat template) and the limit, .yaml
    estimate: estimate tokens from bytes, without a tokenizer
    output: output, .json
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import write_json
from rag_instruct.logs import logger
from rag_instruct.report.lengths import lengths
from rag_instruct.training.recipe import load_recipe
from rag_instruct.training.rows import read_rows


def main(dataset: Path, *, recipe: Path, estimate: bool = False, output: Path) -> None:
    counted_by = load_recipe(recipe)
    found = lengths(list(read_rows(dataset)), counted_by, str(counted_by.seed), estimate)
    write_json(output, {"recipe": recipe.stem, **found})
    logger.info("%d of %d rows exceed %d tokens", found["over"], len(found["tokens"]), found["limit"])


if __name__ == "__main__":
    cli.run(main)
