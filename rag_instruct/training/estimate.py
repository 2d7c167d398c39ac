"""Estimate a training's memory, hours and disk space by counting bytes and operations.

We count weights, gradients and optimizer states as the ZeRO paper does (arXiv 1910.02054, section 3). Activations are
the tensors that a Llama layer keeps for its backward pass. We count operations as the PaLM paper does (arXiv
2204.02311, appendix B): 6 per weight and token, plus attention.
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
    # hidden size, feed-forward size, layers, heads, key-value heads, whether input and output embeddings are tied
    "meta-llama/Llama-3.1-8B": (4096, 14336, 32, 32, 8, False),
    "meta-llama/Llama-3.2-3B": (3072, 8192, 28, 24, 8, True),
    "meta-llama/Llama-3.1-70B": (8192, 28672, 80, 64, 8, False),
}
LLAMA_3_VOCABULARY = 128_256
# Dense bf16 operations per second, from NVIDIA's data sheets, and memory in GB (10^9 bytes).
DEVICES = {"h100": (989e12, 80), "h200": (989e12, 141), "a100": (312e12, 80), "l40s": (362e12, 48)}
UTILISATION = 0.40  # share of a GPU's operations per second that training reaches; assumed, not measured
CPU_UTILISATION = 0.60  # share of `measured_rate` that training reaches; attention and optimizer are slower
PROCESS_GB = 0.65  # Python with torch and the trainer
# The next two values were measured on CPUs with performance/training.py.
LOADING = 0.6  # memory beside the weights that stays allocated after loading, as a share of the weights
FRAGMENTED = 1.4  # factor by which fragmentation enlarges the activations
BUCKETS_GB = 2.0  # two communication buckets of DeepSpeed, each with 5e8 gradients of 2 bytes
CONTEXT_GB = 1.5  # CUDA context, library buffers, fragmentation


@dataclass(frozen=True)
class Model:
    """A model's shape."""

    parameters: int
    multiplied_weights: int  # weights in matrix products: all but untied input embeddings
    layers: int
    hidden: int
    intermediate: int  # feed-forward size
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
        shape = config.get_text_config()  # for a model of images and text: its part for text
        parameters = sum(weight.numel() for weight in made.parameters())
        embeddings = made.get_input_embeddings().weight.numel()
        multiplied = parameters - (0 if shape.tie_word_embeddings else embeddings)
        heads = getattr(shape, "num_attention_heads", None) or 1  # state space models have no heads
        head_width = getattr(shape, "head_dim", None) or shape.hidden_size // heads
        key_width = (getattr(shape, "num_key_value_heads", None) or heads) * head_width
        intermediate = getattr(shape, "intermediate_size", None) or 4 * shape.hidden_size  # GPT-2 and Falcon lack it
        return cls(parameters, multiplied, shape.num_hidden_layers, shape.hidden_size, intermediate, key_width)


def _config(name: str, revision: str | None) -> PreTrainedConfig:
    if name in SHAPES:
        hidden, intermediate, layers, heads, key_heads, tied = SHAPES[name]
        return LlamaConfig(
            vocab_size=LLAMA_3_VOCABULARY, hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=key_heads, tie_word_embeddings=tied,
        )  # fmt: skip
    return load_config(name, revision)


def memory(model: Model, recipe: Recipe, longest: int) -> dict[str, float]:
    """Return the parts of one process's peak memory in GB (10^9 bytes). `longest` is the longest row in tokens."""
    count, processes = model.parameters, recipe.processes
    trained = count if recipe.lora is None else _adapter_weights(model, recipe.lora)
    # A recipe without ZeRO, adamw_8bit or LoRA keeps fp32 weights in mixed precision too.
    plain = recipe.zero is None and recipe.optimizer == "adamw" and recipe.lora is None
    in_fp32 = plain or recipe.precision == "fp32"
    weight_bytes: float = 4 if in_fp32 else 2
    gradient_bytes: float = 4 if in_fp32 or recipe.lora else 2
    state_bytes: float = {"adamw": 8, "adamw_8bit": 2}[recipe.optimizer]
    if recipe.zero:  # DeepSpeed adds 4-byte weights and gradients to the states, and divides the states among processes
        state_bytes = (state_bytes + 4 + 4) / processes
        gradient_bytes = gradient_bytes / (processes if recipe.zero >= 2 else 1)
        weight_bytes = weight_bytes / (processes if recipe.zero == 3 else 1)
    adapters = 4 * trained if recipe.lora else 0
    bf16_copy = 2 * count if in_fp32 and recipe.precision == "bf16" else 0  # autocast copies the weights to bf16
    return {
        "weights": (weight_bytes * count + adapters + bf16_copy) / GB,
        "gradients": gradient_bytes * trained / GB,
        "optimizer": state_bytes * trained / GB,
        "activations": activations(model, recipe, longest) / GB,
    }


def process_memory(model: Model, recipe: Recipe, longest: int, on_gpu: bool) -> dict[str, float]:
    """Return the parts of `memory`, and a part "other": all else that a process needs on a GPU or in main memory."""
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
    """Return the bytes that a batch with rows of `longest` tokens keeps for the backward pass."""
    tokens = recipe.batch * longest
    size = 4 if recipe.precision == "fp32" else 2
    # In mixed precision, a layer keeps: for each of two norms, its input and its normalized input, both in fp32; the
    # queries and the inputs of six linear layers (the seventh reads a feed-forward tensor); keys and values; four
    # tensors of the feed-forward size. In fp32, it keeps only three of the six inputs; with padded batches, it keeps
    # keys and values for all query heads. We use this one count for all.
    layer = tokens * (4 * 4 * model.hidden + size * (7 * model.hidden + 2 * model.key_width + 4 * model.intermediate))
    if recipe.checkpointing:  # each layer keeps its input; only one layer at a time keeps all tensors
        return layer + model.layers * tokens * model.hidden * size
    return model.layers * layer


def _adapter_weights(model: Model, rank: int) -> int:
    """Return the number of weights in LoRA adapters on all linear layers."""
    h, k, i = model.hidden, model.key_width, model.intermediate
    shapes = [(h, h), (h, k), (h, k), (h, h), (h, i), (h, i), (i, h)]
    return model.layers * rank * sum(left + right for left, right in shapes)


def operations(model: Model, recipe: Recipe, lengths: list[int]) -> float:
    """Return the operations of one epoch over rows of these lengths, recomputed activations included."""
    tokens = sum(lengths)
    # Per layer and row of n tokens, attention needs 12 n² x hidden operations. The causal mask saves half.
    attention = 6 * model.layers * model.hidden * sum(length**2 for length in lengths)
    forward_and_backward = 6.0 * model.multiplied_weights * tokens + attention
    # A third of these operations is the forward pass, which recomputing repeats. A third is for the gradients of
    # inputs, and a third for the gradients of weights, which LoRA does not need.
    return forward_and_backward * (3 - (recipe.lora is not None) + recipe.checkpointing) / 3


def disk(model: Model, recipe: Recipe) -> float:
    """Return the disk space of the checkpoints and the model's folder in GB (10^9 bytes)."""
    trained = model.parameters if recipe.lora is None else _adapter_weights(model, recipe.lora)
    checkpoint = {"adamw": 4 + 8, "adamw_8bit": 2 + 2}[recipe.optimizer] * trained  # bytes of weights and states
    if recipe.zero:  # the trainer also writes 2-byte weights, and so does DeepSpeed below stage 3
        checkpoint += (2 if recipe.zero == 3 else 4) * trained
    # The trainer writes a new checkpoint before it deletes the oldest.
    return ((recipe.checkpoints_kept + 1) * checkpoint + 2 * model.parameters) / GB


@dataclass(frozen=True)
class RowLengths:
    """The numbers of tokens in a training's rows."""

    trained: list[int]  # tokens of each training row
    validated: int  # tokens of all validation rows together
    description: str  # the estimate's line "rows"


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
        rate, share, basis = DEVICES[device][0], UTILISATION, f"of the {device.upper()}'s rate, assumed"
    else:
        rate = measured_rate(recipe.threads, model, recipe.batch * tokens // len(rows.trained))
        share, basis = CPU_UTILISATION, f"of {rate / 1e9:.0f} GFLOP/s, measured here"
    work = operations(model, recipe, rows.trained) * recipe.epochs
    # Validation makes a forward pass before the training and at each save.
    work += (recipe.saves + 1) * 2.0 * model.multiplied_weights * rows.validated
    seconds = work / (rate * share * (recipe.processes if device else 1))
    fits = f", of {DEVICES[device][1]}: {'fits' if needed < DEVICES[device][1] else 'DOES NOT FIT'}" if device else ""
    return {
        "model": f"{recipe.model}, {model.parameters / 1e9:.2f} billion parameters",
        "rows": rows.description,
        "tokens an epoch": f"{tokens:,} in {sequences:,} sequences, the longest {longest:,}",
        "steps": f"{recipe.steps(sequences):,} of {recipe.effective_batch} sequences",
        "processes": f"{recipe.processes}" + (f" x {device.upper()}" if device else f", {recipe.threads} threads"),
        "GB of a process": f"{needed:.1f}{fits}",
        **{f"- {name}": f"{value:.1f}" for name, value in parts.items()},
        "hours": f"{seconds / 3600:.2f} at {share:.0%} {basis}",
        "disk, GB": f"{disk(model, recipe):.0f} for at most {recipe.checkpoints_kept + 1} checkpoints and the model",
    }


def table(lines: dict[str, str]) -> str:
    """Return the lines as a table for the terminal."""
    return text(frame(["what", "estimate"], lines.items()))
