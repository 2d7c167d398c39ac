"""Measure tokens per second and memory of our training, and compare with a plain loop and with the estimate.

    python -m performance.training                                # here: SmolLM2's shape, short rows
    python -m performance.training --gpu h100 --parameters 1b     # 1.2 billion parameters, rows as long as real ones

Weights and tokens are random, and the lengths of rows follow a given distribution, so nothing is downloaded. `plain
loop` works like RAG-Instruct's training script: batches padded to their longest row, all logits at once, no packing.
Each method runs in its own process.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from performance.measure import machine
from rag_instruct.logs import bar
from rag_instruct.training.callbacks import ProgressCallback, peak_memory_gb
from rag_instruct.training.estimate import DEVICES, Model, operations, process_memory
from rag_instruct.training.recipe import Recipe
from rag_instruct.training.rows import IGNORED, Example, Examples
from rag_instruct.training.trainer import arguments_of, trainer_of

SHAPES: dict[str, dict[str, Any]] = {
    "tiny": {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
             "num_key_value_heads": 2, "vocab_size": 1_024, "tie_word_embeddings": True},
    "135m": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
             "num_key_value_heads": 3, "vocab_size": 49_152, "tie_word_embeddings": True},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
           "num_key_value_heads": 8, "vocab_size": 128_256, "tie_word_embeddings": True},
}  # fmt: skip
SHORT = (300, 120, 24, 512)  # tokens of a row: mean, standard deviation, answer tokens, limit
REAL = (1_900, 450, 110, 4_096)
WAYS: dict[str, dict[str, Any]] = {
    "plain loop, batch 4": {"batch": 4},
    "batch 4": {"batch": 4},
    "batch 4, by length": {"batch": 4, "group_by_length": True},
    "packed": {"packing": True},
    "one row at a time": {},
    "one row, checkpointing": {"checkpointing": True},
    "one row, bf16": {"precision": "bf16"},
    "one row, LoRA 16": {"lora": 16},
}
ON_GPU: dict[str, dict[str, Any]] = {
    "plain loop, batch 4": {"batch": 4},
    "packed": {"packing": True},
    "packed, liger": {"packing": True, "liger": True},
    "packed, 8-bit AdamW": {"packing": True, "optimizer": "adamw_8bit"},
    "batch 4, by length": {"batch": 4, "group_by_length": True},
}


def made_rows(count: int, tokens: tuple[int, int, int, int], vocabulary: int) -> Examples:
    """Return rows of random tokens with normally distributed lengths."""
    mean, deviation, answer, limit = tokens
    random = np.random.default_rng(1)
    lengths = random.normal(mean, deviation, count).clip(answer * 2, limit).astype(int)
    rows = []
    for number, length in enumerate(lengths.tolist()):
        ids = random.integers(0, vocabulary, length).tolist()
        rows.append(Example(str(number), ids, [IGNORED] * (length - answer) + ids[-answer:], 0))
    return Examples(rows, [], {"tokens": int(lengths.sum())})


def one(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Return one method's tokens, seconds (of the training alone) and peak memory in GB."""
    shape, tokens = SHAPES[arguments.parameters], REAL if arguments.gpu else SHORT
    rows = made_rows(arguments.rows, tokens, shape["vocab_size"])
    recipe = recipe_of(name, arguments)
    config = LlamaConfig(**shape, max_position_embeddings=tokens[3])
    in_fp32 = recipe.optimizer == "adamw" and recipe.lora is None
    torch.manual_seed(0)
    with torch.device("cuda" if arguments.gpu else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32 if in_fp32 else torch.bfloat16)
    began = time.perf_counter()
    seconds = plain_loop(model, rows, recipe) if name.startswith("plain") else trained(model, rows, recipe)
    return {
        "tokens": rows.counts["tokens"],
        "seconds": seconds,
        "with_loading": time.perf_counter() - began,
        "gb": peak_memory_gb(torch.device("cuda" if arguments.gpu else "cpu")),
    }


def recipe_of(name: str, arguments: argparse.Namespace) -> Recipe:
    on_gpu, limit = bool(arguments.gpu), (REAL if arguments.gpu else SHORT)[3]
    common = Recipe(
        model="random", max_length=limit, epochs=1, precision="bf16" if on_gpu else "fp32", checkpointing=on_gpu,
        gpus=int(on_gpu), threads=arguments.threads, validation=0, accumulation=4, saves=2, report_to="none",
    )  # fmt: skip
    return common.replaced(**(ON_GPU if on_gpu else WAYS)[name])


def trained(model: Any, rows: Examples, recipe: Recipe) -> float:
    """Train with our trainer, without checkpoints."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = arguments_of(recipe, Path(folder), validates=False)
        arguments.save_strategy = "no"
        trainer = trainer_of(model, rows, recipe, tokenizer_of(), arguments, ProgressCallback())
        began = time.perf_counter()
        trainer.train()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - began


def tokenizer_of() -> Any:
    """Return a tokenizer. Only its padding token is used."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    import tiny

    made = tiny.tokenizer("llama-3")
    made.pad_token = made.eos_token
    return made


def plain_loop(model: Any, rows: Examples, recipe: Recipe) -> float:
    """Train with padded batches, all logits at once, and AdamW."""
    device = "cuda" if recipe.gpus else "cpu"
    model.to(device).train()
    if recipe.checkpointing:
        model.gradient_checkpointing_enable()
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    began = time.perf_counter()
    batches = [rows.train[start : start + recipe.batch] for start in range(0, len(rows.train), recipe.batch)]
    for number, batch in enumerate(bar("plain loop", items=batches), start=1):
        lengths = [len(row.input_ids) for row in batch]
        ids = torch.tensor([row.input_ids + [0] * (max(lengths) - len(row.input_ids)) for row in batch])
        labels = torch.tensor([row.labels + [IGNORED] * (max(lengths) - len(row.labels)) for row in batch])
        mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
        inputs = {"input_ids": ids, "labels": labels, "attention_mask": mask.long()}
        inputs = {key: value.to(device) for key, value in inputs.items()}
        with torch.autocast(device, torch.bfloat16, enabled=recipe.precision == "bf16"):
            loss = model(**inputs, use_cache=False).loss
        (loss / recipe.accumulation).backward()
        if number % recipe.accumulation == 0 or number == len(batches):
            torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            optimizer.zero_grad()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def main(arguments: argparse.Namespace) -> None:
    if arguments.way:
        print(json.dumps(one(arguments.way, arguments)))
        return
    shape, tokens = SHAPES[arguments.parameters], REAL if arguments.gpu else SHORT
    model = Model.of_config(LlamaConfig(**shape))
    lengths = [len(row.input_ids) for row in made_rows(arguments.rows, tokens, 9).train]
    where = torch.cuda.get_device_name() if arguments.gpu else machine()
    print(f"{where}; {model.parameters / 1e6:,.0f} million parameters, {len(lengths)} rows, {sum(lengths):,} tokens")
    print(f"{'way':26} {'tokens/s':>9} {'GB':>6} {'estimated':>10} {'utilisation' if arguments.gpu else '':>12}")
    rates: dict[str, float] = {}
    for name in ON_GPU if arguments.gpu else WAYS:
        try:
            found = in_a_process(name, arguments.passed)
        except subprocess.CalledProcessError:
            print(f"{name:26} failed", flush=True)
            continue
        recipe = recipe_of(name, arguments)
        longest = recipe.max_length if recipe.packing else max(lengths)
        wanted = sum(process_memory(model, recipe, longest, bool(arguments.gpu)).values())
        share = utilisation(model, recipe, lengths, found["seconds"], arguments.gpu)
        rates[name] = found["tokens"] / found["seconds"]
        shown = ["" if name.startswith("plain") else f"{wanted:.2f}", "" if share is None else f"{share:.0%}"]
        print(f"{name:26} {rates[name]:9,.0f} {found['gb']:6.2f} {shown[0]:>10} {shown[1]:>12}", flush=True)
    if plain := rates.get("plain loop, batch 4"):
        print("of the plain loop: " + ", ".join(f"{name} {rate / plain:.2f}" for name, rate in rates.items()))


def in_a_process(name: str, passed: list[str]) -> dict[str, float]:
    """Measure one method in its own process. Its threads wait without spinning."""
    command = [sys.executable, "-m", "performance.training", "--way", name, *passed]
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE"}
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def utilisation(model: Model, recipe: Recipe, lengths: list[int], seconds: float, gpu: str | None) -> float | None:
    """Return the share of a GPU's rate that the model's operations used. Recomputed activations do not count."""
    if gpu is None:
        return None
    return operations(model, recipe.replaced(checkpointing=False), lengths) / seconds / DEVICES[gpu][0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", choices=list(DEVICES), help="left out, the processor")
    parser.add_argument("--parameters", choices=list(SHAPES), default="135m")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    made = parser.parse_args()
    made.passed = sys.argv[1:]
    main(made)
