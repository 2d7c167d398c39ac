"""Estimate a training's memory, hours and disk space before it runs, by counting bytes and operations.

Weights, gradients and optimizer states are counted as in ZeRO (arXiv 1910.02054, section 3). Activations are the
tensors that a Llama layer keeps for its backward pass. Operations are counted as in PaLM (arXiv 2204.02311, appendix
B): 6 per weight and token, plus attention.
"""

import time
from dataclasses import dataclass

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedConfig

from rag_instruct.models.loading import load_config
from rag_instruct.tables import frame, text
from rag_instruct.threads import torch_threads
from rag_instruct.training.recipe import Recipe

GB = 1e9
# The recipes' models are gated, but their shapes are public. With this table an estimate needs no hub token.
SHAPES: dict[str, tuple[int, int, int, int, int, bool]] = {
    # hidden, intermediate, layers, heads, key-value heads, tied
    "meta-llama/Llama-3.1-8B": (4096, 14336, 32, 32, 8, False),
    "meta-llama/Llama-3.2-3B": (3072, 8192, 28, 24, 8, True),
    "meta-llama/Llama-3.1-70B": (8192, 28672, 80, 64, 8, False),
}
LLAMA_3_TOKENS = 128_256
# Dense bf16 operations per second, from NVIDIA's data sheets, and memory in GB (10^9 bytes).
DEVICES = {"h100": (989e12, 80), "h200": (989e12, 141), "a100": (312e12, 80), "l40s": (362e12, 48)}
UTILISATION = 0.40  # share of a GPU's rate that training reaches; assumed, not measured
CPU_UTILISATION = 0.60  # share of the measured rate of matrix products; norms, attention and optimizer take the rest
PROCESS_GB = 0.65  # Python with torch and the trainer
# Measured on CPUs with performance/training.py: memory that loading leaves behind, as a share of the weights, and the
# factor by which fragmentation enlarges the activations.
LOADING, FRAGMENTED = 0.6, 1.4
BUCKETS_GB = 2.0  # DeepSpeed's two communication buckets, of 5e8 gradients with 2 bytes each
CONTEXT_GB = 1.5  # CUDA context, library buffers, fragmentation


@dataclass(frozen=True)
class Model:
    """A model's shape."""

    parameters: int
    products: int  # weights in matrix products: all except the input embeddings
    layers: int
    hidden: int
    intermediate: int
    keys: int  # width of all key heads together; values have the same width

    @classmethod
    def of(cls, name: str, revision: str | None = None) -> "Model":
        """Return the shape of a model. Raises UserError if its configuration cannot be loaded."""
        return cls.of_config(_config(name, revision))

    @classmethod
    def of_config(cls, config: PreTrainedConfig) -> "Model":
        """Return the shape of a configuration's model, without allocating weights."""
        with torch.device("meta"):
            made = AutoModelForCausalLM.from_config(config)
        shape = config.get_text_config()  # of a model that also reads images
        parameters = sum(weight.numel() for weight in made.parameters())
        embeddings = made.get_input_embeddings().weight.numel()
        products = parameters - (0 if shape.tie_word_embeddings else embeddings)
        heads = getattr(shape, "num_attention_heads", None) or 1  # state space models have none
        width = getattr(shape, "head_dim", None) or shape.hidden_size // heads
        keys = (getattr(shape, "num_key_value_heads", None) or heads) * width
        intermediate = getattr(shape, "intermediate_size", None) or 4 * shape.hidden_size  # GPT-2 and Falcon name none
        return cls(parameters, products, shape.num_hidden_layers, shape.hidden_size, intermediate, keys)


def _config(name: str, revision: str | None) -> PreTrainedConfig:
    if name in SHAPES:
        hidden, intermediate, layers, heads, keys, tied = SHAPES[name]
        return LlamaConfig(
            vocab_size=LLAMA_3_TOKENS, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=keys, tie_word_embeddings=tied,
        )  # fmt: skip
    return load_config(name, revision)


def memory(model: Model, recipe: Recipe, longest: int) -> dict[str, float]:
    """Return the parts of one process's peak memory in GB (10^9 bytes). `longest` is the longest row in tokens."""
    count, shared = model.parameters, recipe.processes
    trained = count if recipe.lora is None else _adapter(model, recipe.lora)
    whole = recipe.precision == "fp32" or (recipe.zero is None and recipe.optimizer == "adamw" and recipe.lora is None)
    weight: float = 4 if whole else 2
    gradient: float = 4 if whole or recipe.lora else 2
    state: float = {"adamw": 8, "adamw_8bit": 2}[recipe.optimizer]
    if recipe.zero:
        state = (state + 4 + 4) / shared  # DeepSpeed adds 4-byte weights and gradients, and partitions all of them
        gradient = gradient / (shared if recipe.zero >= 2 else 1)
        weight = weight / (shared if recipe.zero == 3 else 1)
    adapter = 4 * trained if recipe.lora else 0
    cast = 2 * count if whole and recipe.precision == "bf16" else 0
    return {
        "weights": (weight * count + adapter + cast) / GB,
        "gradients": gradient * trained / GB,
        "optimizer": state * trained / GB,
        "activations": activations(model, recipe, longest) / GB,
    }


def figures(model: Model, recipe: Recipe, longest: int, on_gpu: bool) -> dict[str, float]:
    """Return the parts of `memory`, and as "beside" what else a process needs on a GPU or in main memory."""
    parts = memory(model, recipe, longest)
    if on_gpu:
        return {**parts, "beside": CONTEXT_GB + (BUCKETS_GB if recipe.zero else 0)}
    # On the CPU, the process keeps freed blocks of many sizes, and memory that loading needed.
    return {
        **parts,
        "activations": FRAGMENTED * parts["activations"],
        "beside": PROCESS_GB + LOADING * parts["weights"],
    }


def activations(model: Model, recipe: Recipe, longest: int) -> float:
    """Return the bytes that a forward pass keeps for the backward pass, for a batch with rows of `longest` tokens."""
    tokens = recipe.batch * longest
    size = 4 if recipe.precision == "fp32" else 2
    # A layer keeps: for each norm, its input, its normalized input (both in fp32) and its output; queries, keys and
    # values, before and after rotation; attention's output twice; four tensors with the feed-forward's width.
    layer = tokens * (4 * 4 * model.hidden + size * (7 * model.hidden + 2 * model.keys + 4 * model.intermediate))
    if recipe.checkpointing:
        return layer + model.layers * tokens * model.hidden * size
    return model.layers * layer


def _adapter(model: Model, rank: int) -> int:
    """Return the number of weights in LoRA adapters on all linear layers."""
    h, k, i = model.hidden, model.keys, model.intermediate
    shapes = [(h, h), (h, k), (h, k), (h, h), (h, i), (h, i), (i, h)]
    return model.layers * rank * sum(left + right for left, right in shapes)


def operations(model: Model, recipe: Recipe, lengths: list[int]) -> float:
    """Return the operations of one epoch over sequences of these lengths. Recomputed activations count."""
    tokens = sum(lengths)
    # Per layer and sequence 12 n² h, of which the causal mask saves half.
    attention = 6 * model.layers * model.hidden * sum(length**2 for length in lengths)
    forward_and_backward = 6.0 * model.products * tokens + attention
    # It has three equal parts: forward, gradients of inputs, gradients of weights. LoRA does not need the third part.
    # Recomputing activations adds another forward part.
    return forward_and_backward * (3 - (recipe.lora is not None) + recipe.checkpointing) / 3


def disk(model: Model, recipe: Recipe) -> float:
    """Return the disk space of the kept checkpoints and the model's folder in GB (10^9 bytes)."""
    trained = model.parameters if recipe.lora is None else _adapter(model, recipe.lora)
    checkpoint = (4 if recipe.optimizer == "adamw" else 2) * trained + (
        8 if recipe.optimizer == "adamw" else 2
    ) * trained
    if recipe.zero:  # adds 2-byte weights: the trainer's copy, and below stage 3 also DeepSpeed's
        checkpoint += (2 if recipe.zero == 3 else 4) * trained
    # One checkpoint more, because a new one is written before the oldest is deleted.
    return ((recipe.checkpoints_kept + 1) * checkpoint + 2 * model.parameters) / GB


@dataclass(frozen=True)
class Sequences:
    """The sequences of a training."""

    lengths: list[int]  # tokens of each training row
    validated: int  # tokens of all validation rows together
    origin: str  # for the estimate's line "rows"


def measured_rate(threads: int, model: Model, tokens: int) -> float:
    """Measure for a second how many fp32 operations per second this machine does in products of the model's shape."""
    left, right = torch.randn(tokens, model.hidden), torch.randn(model.hidden, model.intermediate)
    with torch_threads(threads):
        began, products = time.perf_counter(), 0
        while time.perf_counter() - began < 1:
            left @ right
            products += 1
    return 2.0 * left.numel() * right.shape[1] * products / (time.perf_counter() - began)


def estimate(model: Model, recipe: Recipe, found: Sequences, device: str | None) -> dict[str, str]:
    """Return the lines of the estimate. `device` is a key of DEVICES, or None for this machine's CPU."""
    longest = recipe.max_length if recipe.packing else max(found.lengths)
    count = -(-sum(found.lengths) // recipe.max_length) if recipe.packing else len(found.lengths)
    parts = figures(model, recipe, longest, bool(device))
    needed = sum(parts.values())
    if device:
        rate, share, origin = DEVICES[device][0], UTILISATION, f"of a {device.upper()}'s rate, assumed"
    else:
        rate = measured_rate(recipe.threads, model, recipe.batch * sum(found.lengths) // len(found.lengths))
        share, origin = CPU_UTILISATION, f"of {rate / 1e9:.0f} GFLOP/s, measured here"
    work = operations(model, recipe, found.lengths) * recipe.epochs
    work += (recipe.saves + 1) * 2.0 * model.products * found.validated
    seconds = work / (rate * share * (recipe.processes if device else 1))
    fits = f", of {DEVICES[device][1]}: {'fits' if needed < DEVICES[device][1] else 'DOES NOT FIT'}" if device else ""
    return {
        "model": f"{recipe.model}, {model.parameters / 1e9:.2f} billion parameters",
        "rows": found.origin,
        "tokens an epoch": f"{sum(found.lengths):,} in {count:,} sequences, the longest {longest:,}",
        "steps": f"{recipe.steps(count):,} of {recipe.effective_batch} sequences",
        "processes": f"{recipe.processes}" + (f" x {device.upper()}" if device else f", {recipe.threads} threads"),
        "GB of a process": f"{needed:.1f}{fits}",
        **{f"- {name}": f"{value:.1f}" for name, value in parts.items()},
        "hours": f"{seconds / 3600:.2f} at {share:.0%} {origin}",
        "disk, GB": f"{disk(model, recipe):.0f} for {recipe.checkpoints_kept} checkpoints, the next, and the model",
    }


def table(lines: dict[str, str]) -> str:
    """Return the lines as a table for the terminal."""
    return text(frame(["what", "estimate"], lines.items()))
