"""Estimate a training's GPU memory, hours and disk space before it runs.

python -m scripts.estimate_training resources/recipes/llama_3_1_8b.yaml --gpu h100
python -m scripts.estimate_training resources/recipes/llama_3_1_8b.yaml --data results/rag_instruct_40k.jsonl

Args:
    recipe: file of resources/recipes/
    gpu: GPU model: h100, h200, a100 or l40s; ignored if the recipe trains on CPUs
    gpus: use this number of GPUs on one machine instead of the recipe's
    data: data set, .jsonl, .json or .parquet; default: --rows rows of --tokens tokens are assumed
    rows: assumed number of rows
    tokens: assumed tokens of each row; the default is typical for ten passages, question and answer
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.models.loading import load_tokenizer
from rag_instruct.training.estimate import DEVICES, Model, RowLengths, estimate, table
from rag_instruct.training.recipe import Recipe, load_recipe
from rag_instruct.training.rows import Renderer, examples, read_rows


def main(
    recipe: Path,
    *,
    gpu: str = "h100",
    gpus: int | None = None,
    data: Path | None = None,
    rows: int = 40_000,
    tokens: int = 1_900,
) -> None:
    found = load_recipe(recipe)
    if gpus:
        found = found.replaced(processes=gpus, gpus=gpus, machines=1)
    device = cli.one_of(gpu, DEVICES, "--gpu") if found.gpus else None
    lengths = row_lengths(data, found) if data else assumed(rows, tokens)
    print(table(estimate(Model.of(found.model, found.revision), found, lengths, device)))


def row_lengths(data: Path, recipe: Recipe) -> RowLengths:
    """Return the lengths of a data set's rows in tokens."""
    renderer = Renderer(load_tokenizer(recipe.model, recipe.revision), recipe.max_length, str(recipe.seed))
    made = examples(read_rows(data), renderer, recipe.validation)
    lengths = [[len(example.input_ids) for example in part] for part in (made.train, made.validation)]
    return RowLengths(lengths[0], sum(lengths[1]), f"{made.counts['rows']:,} rows of {data}")


def assumed(rows: int, tokens: int) -> RowLengths:
    """Return `rows` rows with `tokens` tokens each."""
    return RowLengths([tokens] * rows, 0, f"{rows:,} rows of {tokens:,} tokens, assumed")


if __name__ == "__main__":
    cli.run(main)
