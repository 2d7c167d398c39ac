"""Say what a training would take before it runs: memory of a GPU, hours, disk.

python -m scripts.estimate_training resources/recipes/llama_3_1_8b.yaml --gpu h100
python -m scripts.estimate_training resources/recipes/llama_3_1_8b.yaml --data results/rag_instruct_40k.jsonl

Args:
    gpus: so many GPUs on one machine, in place of the recipe's
    data: a data set; left out, --rows of --tokens each are assumed
    tokens: of a row: ten passages, question and answer
"""

from pathlib import Path

from rag_instruct import cli
from rag_instruct.models.loading import load_tokenizer
from rag_instruct.training.estimate import DEVICES, Model, Sequences, estimate, table
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
    lengths = sequences(data, found) if data else assumed(rows, tokens)
    device = cli.one_of(gpu, DEVICES, "--gpu") if found.gpus else None
    print(table(estimate(Model.of(found.model, found.revision), found, lengths, device)))


def sequences(data: Path, recipe: Recipe) -> Sequences:
    """The lengths of a data set's rows."""
    renderer = Renderer(load_tokenizer(recipe.model, recipe.revision), recipe.max_length, str(recipe.seed))
    made = examples(read_rows(data), renderer, recipe.validation)
    lengths = [[len(example.input_ids) for example in part] for part in (made.train, made.validation)]
    return Sequences(lengths[0], sum(lengths[1]), f"{made.counts['rows']:,} rows of {data}")


def assumed(rows: int, tokens: int) -> Sequences:
    """So many rows of a usual length."""
    return Sequences([tokens] * rows, 0, f"{rows:,} rows of {tokens:,} tokens, assumed")


if __name__ == "__main__":
    cli.run(main)
