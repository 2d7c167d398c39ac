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
    multiplied_weights: int  # in matrix products: without the input embeddings, unless the output layer shares them
    layers: int
    hidden: int
    intermediate: int
    key_width: int  # of all key heads together; values have the same width

    @classmethod
    def of(cls, name: str, revision: str | None = None) -> "Model":
        """Return the shape of a model. Raises UserError if its configuration cannot be loaded."""
        return cls.of_config(_config(name, revision))

    @classmethod
    def of_config(cls, config: PreTrainedConfig) -> "Model":
        """Return the shape of a configuration's model, without allocating weights."""
        with torch.device("meta"):
            made = AutoModelForCausalLM.from_config(config)
        shape = config.get_text_config()  # for a model that also reads images: the configuration of its language part
        parameters = sum(weight.numel() for weight in made.parameters())
        embeddings = made.get_input_embeddings().weight.numel()
        multiplied = parameters - (0 if shape.tie_word_embeddings else embeddings)
        heads = getattr(shape, "num_attention_heads", None) or 1  # state space models have none
        head_width = getattr(shape, "head_dim", None) or shape.hidden_size // heads
        key_width = (getattr(shape, "num_key_value_heads", None) or heads) * head_width
        intermediate = getattr(shape, "intermediate_size", None) or 4 * shape.hidden_size  # GPT-2 and Falcon name none
        return cls(parameters, multiplied, shape.num_hidden_layers, shape.hidden_size, intermediate, key_width)


def _config(name: str, revision: str | None) -> PreTrainedConfig:
    if name in SHAPES:
        hidden, intermediate, layers, heads, key_heads, tied = SHAPES[name]
        return LlamaConfig(
            vocab_size=LLAMA_3_TOKENS, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=key_heads, tie_word_embeddings=tied,
        )  # fmt: skip
    return load_config(name, revision)


def memory(model: Model, recipe: Recipe, longest: int) -> dict[str, float]:
    """Return the parts of one process's peak memory in GB (10^9 bytes). `longest` is the longest row in tokens."""
    count, processes = model.parameters, recipe.processes
    trained = count if recipe.lora is None else _adapter_weights(model, recipe.lora)
    plain = recipe.zero is None and recipe.optimizer == "adamw" and recipe.lora is None
    in_fp32 = plain or recipe.precision == "fp32"  # plain mixed precision keeps fp32 weights
    weight: float = 4 if in_fp32 else 2
    gradient: float = 4 if in_fp32 or recipe.lora else 2
    state: float = {"adamw": 8, "adamw_8bit": 2}[recipe.optimizer]
    if recipe.zero:
        state = (state + 4 + 4) / processes  # DeepSpeed adds 4-byte weights and gradients, and partitions all of them
        gradient = gradient / (processes if recipe.zero >= 2 else 1)
        weight = weight / (processes if recipe.zero == 3 else 1)
    adapter = 4 * trained if recipe.lora else 0
    bf16_copy = 2 * count if in_fp32 and recipe.precision == "bf16" else 0  # autocast keeps one of the weights
    return {
        "weights": (weight * count + adapter + bf16_copy) / GB,
        "gradients": gradient * trained / GB,
        "optimizer": state * trained / GB,
        "activations": activations(model, recipe, longest) / GB,
    }


def process_memory(model: Model, recipe: Recipe, longest: int, on_gpu: bool) -> dict[str, float]:
    """Return the parts of `memory`, and as "other" what else a process needs on a GPU or in main memory."""
    parts = memory(model, recipe, longest)
    if on_gpu:
        return {**parts, "other": CONTEXT_GB + (BUCKETS_GB if recipe.zero else 0)}
    # On the CPU, the process keeps freed blocks of many sizes (FRAGMENTED), and memory that loading needed (LOADING).
    return {
        **parts,
        "activations": FRAGMENTED * parts["activations"],
        "other": PROCESS_GB + LOADING * parts["weights"],
    }


def activations(model: Model, recipe: Recipe, longest: int) -> float:
    """Return the bytes that a forward pass keeps for the backward pass, for a batch with rows of `longest` tokens."""
    tokens = recipe.batch * longest
    size = 4 if recipe.precision == "fp32" else 2
    # In mixed precision, a layer keeps: for each norm, its input and its normalized input, both in fp32; the inputs of
    # six linear layers; queries, keys and values; four tensors with the feed-forward's width. We count the same for
    # fp32, which keeps three of the six inputs, and for padded batches, which keep keys and values for all query heads.
    layer = tokens * (4 * 4 * model.hidden + size * (7 * model.hidden + 2 * model.key_width + 4 * model.intermediate))
    if recipe.checkpointing:  # keeps each layer's input, and all tensors of one layer at a time
        return layer + model.layers * tokens * model.hidden * size
    return model.layers * layer


def _adapter_weights(model: Model, rank: int) -> int:
    """Return the number of weights in LoRA adapters on all linear layers."""
    h, k, i = model.hidden, model.key_width, model.intermediate
    shapes = [(h, h), (h, k), (h, k), (h, h), (h, i), (h, i), (i, h)]
    return model.layers * rank * sum(left + right for left, right in shapes)


def operations(model: Model, recipe: Recipe, lengths: list[int]) -> float:
    """Return the operations of one epoch over rows of these lengths. Recomputed activations count."""
    tokens = sum(lengths)
    # Per layer and row of n tokens, attention needs 12 n² h operations, of which the causal mask saves half.
    attention = 6 * model.layers * model.hidden * sum(length**2 for length in lengths)
    forward_and_backward = 6.0 * model.multiplied_weights * tokens + attention
    # These are three equal parts: forward, gradients of inputs, gradients of weights. LoRA does not need the third.
    # Recomputing activations repeats the first.
    return forward_and_backward * (3 - (recipe.lora is not None) + recipe.checkpointing) / 3


def disk(model: Model, recipe: Recipe) -> float:
    """Return the disk space of the kept checkpoints and the model's folder in GB (10^9 bytes)."""
    trained = model.parameters if recipe.lora is None else _adapter_weights(model, recipe.lora)
    checkpoint = {"adamw": 4 + 8, "adamw_8bit": 2 + 2}[recipe.optimizer] * trained  # weights and optimizer states
    if recipe.zero:  # adds 2-byte weights: the trainer's copy, and below stage 3 also DeepSpeed's
        checkpoint += (2 if recipe.zero == 3 else 4) * trained
    # One checkpoint more than are kept, because a new one is written before the oldest is deleted.
    return ((recipe.checkpoints_kept + 1) * checkpoint + 2 * model.parameters) / GB


@dataclass(frozen=True)
class RowLengths:
    """The tokens of a training's rows."""

    trained: list[int]  # tokens of each training row
    validated: int  # tokens of all validation rows together
    origin: str  # for the estimate's line "rows"


def measured_rate(threads: int, model: Model, tokens: int) -> float:
    """Multiply matrices of the model's shape for one second, and return the fp32 operations per second."""
    left, right = torch.randn(tokens, model.hidden), torch.randn(model.hidden, model.intermediate)
    with torch_threads(threads):
        began, count = time.perf_counter(), 0
        while time.perf_counter() - began < 1:
            left @ right
            count += 1
    return 2.0 * left.numel() * right.shape[1] * count / (time.perf_counter() - began)


def estimate(model: Model, recipe: Recipe, rows: RowLengths, device: str | None) -> dict[str, str]:
    """Return the lines of the estimate. `device` is a key of DEVICES, or None for this machine's CPU."""
    tokens = sum(rows.trained)
    longest, sequences = max(rows.trained), len(rows.trained)
    if recipe.packing:  # we assume full sequences
        longest, sequences = recipe.max_length, -(-tokens // recipe.max_length)
    parts = process_memory(model, recipe, longest, bool(device))
    needed = sum(parts.values())
    if device:
        rate, share, origin = DEVICES[device][0], UTILISATION, f"of a {device.upper()}'s rate, assumed"
    else:
        rate = measured_rate(recipe.threads, model, recipe.batch * tokens // len(rows.trained))
        share, origin = CPU_UTILISATION, f"of {rate / 1e9:.0f} GFLOP/s, measured here"
    work = operations(model, recipe, rows.trained) * recipe.epochs
    # Validation: a forward pass before the training, and one at each save.
    work += (recipe.saves + 1) * 2.0 * model.multiplied_weights * rows.validated
    seconds = work / (rate * share * (recipe.processes if device else 1))
    fits = f", of {DEVICES[device][1]}: {'fits' if needed < DEVICES[device][1] else 'DOES NOT FIT'}" if device else ""
    return {
        "model": f"{recipe.model}, {model.parameters / 1e9:.2f} billion parameters",
        "rows": rows.origin,
        "tokens an epoch": f"{tokens:,} in {sequences:,} sequences, the longest {longest:,}",
        "steps": f"{recipe.steps(sequences):,} of {recipe.effective_batch} sequences",
        "processes": f"{recipe.processes}" + (f" x {device.upper()}" if device else f", {recipe.threads} threads"),
        "GB of a process": f"{needed:.1f}{fits}",
        **{f"- {name}": f"{value:.1f}" for name, value in parts.items()},
        "hours": f"{seconds / 3600:.2f} at {share:.0%} {origin}",
        "disk, GB": f"{disk(model, recipe):.0f} for {recipe.checkpoints_kept} checkpoints, the next, and the model",
    }


def table(lines: dict[str, str]) -> str:
    """Return the lines as a table for the terminal."""
    return text(frame(["what", "estimate"], lines.items()))
