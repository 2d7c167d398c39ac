"""Count the tokens of a data set's rows as a recipe's training does.

    python -m scripts.measure_lengths rag_instruct_40k.jsonl --recipe resources/recipes/llama_3_1_8b.yaml --seed 1 \\
        --output lengths.json
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.files import read_jsonl, write_json
from rag_instruct.logs import logger
from rag_instruct.report.lengths import lengths
from rag_instruct.training.recipe import load_recipe


def main(arguments: argparse.Namespace) -> None:
    recipe = load_recipe(arguments.recipe)
    found = lengths(list(read_jsonl(arguments.dataset)), recipe, str(recipe.seed), arguments.estimate)
    write_json(arguments.output, {"recipe": arguments.recipe.stem, **found})
    logger.info("%d of %d rows exceed %d tokens", found["over"], len(found["tokens"]), found["limit"])


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--recipe", type=Path, required=True, help="whose tokenizer, template and limit count")
    parser.add_argument("--estimate", action="store_true", help="estimate tokens, without a tokenizer")
    parser.add_argument("--output", type=Path, required=True)
    cli.run(main, parser.parse_args())
