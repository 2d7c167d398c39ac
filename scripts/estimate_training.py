"""Say what a training would take before it runs: memory of a GPU, hours, disk.

python -m scripts.estimate_training resources/recipes/llama_3_1_8b.yaml --gpu h100
python -m scripts.estimate_training resources/recipes/llama_3_1_8b.yaml --data results/rag_instruct_40k.jsonl
"""

import argparse
from pathlib import Path

from rag_instruct import cli
from rag_instruct.models.loading import load_tokenizer
from rag_instruct.training.estimate import DEVICES, Model, Sequences, estimate, table
from rag_instruct.training.recipe import Recipe, load_recipe
from rag_instruct.training.rows import Renderer, examples, read_rows


def main(arguments: argparse.Namespace) -> None:
    recipe = load_recipe(arguments.recipe)
    if arguments.gpus:
        recipe = recipe.replaced(processes=arguments.gpus, gpus=arguments.gpus, machines=1)
    found = sequences(arguments, recipe)
    device = arguments.gpu if recipe.gpus else None
    print(table(estimate(Model.of(recipe.model, recipe.revision), recipe, found, device)))


def sequences(arguments: argparse.Namespace, recipe: Recipe) -> Sequences:
    """The lengths of a data set's rows, or of so many rows of a usual length."""
    if not arguments.data:
        return Sequences(
            [arguments.tokens] * arguments.rows, 0, f"{arguments.rows:,} rows of {arguments.tokens:,} tokens, assumed"
        )
    renderer = Renderer(load_tokenizer(recipe.model, recipe.revision), recipe.max_length, str(recipe.seed))
    made = examples(read_rows(arguments.data), renderer, recipe.validation)
    lengths = [[len(example.input_ids) for example in part] for part in (made.train, made.validation)]
    return Sequences(lengths[0], sum(lengths[1]), f"{made.counts['rows']:,} rows of {arguments.data}")


if __name__ == "__main__":
    parser = cli.parser(__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--gpu", choices=list(DEVICES), default="h100")
    parser.add_argument("--gpus", type=int, help="so many GPUs on one machine, in place of the recipe's")
    parser.add_argument("--data", type=Path, help="a data set; left out, --rows of --tokens each are assumed")
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--tokens", type=int, default=1_900, help="of a row: ten passages, question and answer")
    cli.run(main, parser.parse_args())
