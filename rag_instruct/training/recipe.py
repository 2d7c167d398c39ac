"""Training recipes: read and check files of resources/recipes/, and derive batch sizes and steps."""

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from rag_instruct.errors import UserError
from rag_instruct.files import digest, read_text

# torchao's 8-bit AdamW rounds bf16 weights stochastically: rounding to the nearest would lose steps of 5e-6.
OPTIMIZERS = {"adamw": "adamw_torch", "adamw_8bit": "adamw_torch_8bit"}
ATTENTION = ("sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention")
NOT_DECISIVE = (
    "threads",
    "memory_mb",
    "hours",
    "report_to",
    "checkpoints_kept",
    "validation_batch",
    "merge_lora",
)  # of the weights


@dataclass(frozen=True)
class Recipe:
    """How a model is trained. Lengths in tokens, memory in MB; batches are rows of one process."""

    model: str  # a hub id, a folder, or package:<module>/<file>.gguf
    revision: str | None = None
    max_length: int = 4096
    epochs: float = 3
    learning_rate: float = 5e-6
    schedule: str = "cosine"
    warmup: float = 0.05  # share of the optimizer's steps
    weight_decay: float = 0.1
    clip: float = 1.0
    batch: int = 1
    accumulation: int = 16
    optimizer: str = "adamw"
    precision: str = "bf16"  # bf16: mixed precision; fp32
    checkpointing: bool = True  # recompute activations: less memory, a third more computation
    packing: bool = False  # several rows per sequence, which do not see each other; a batch then counts sequences
    group_by_length: bool = False  # rows of similar length in a step: less padding if batch is above 1
    attention: str = "sdpa"
    liger: bool = (
        False  # liger-kernel's fused layers; needs a GPU. TRL computes the loss fused and in chunks in any case
    )
    lora: int | None = None  # rank; without it, all weights are trained
    merge_lora: bool = True
    zero: int | None = None  # DeepSpeed's stage 1, 2 or 3; without it, no DeepSpeed
    processes: int = 1  # one per GPU
    machines: int = 1
    gpus: int = 0  # per machine
    threads: int = 8  # per machine
    memory_mb: int = 64000  # per machine
    hours: float = 24
    validation: float = 0.02  # share of the rows
    validation_batch: int = 1
    saves: int = 10  # checkpoints during the training
    checkpoints_kept: int = 2
    seed: int = 1
    report_to: str = "tensorboard"  # or wandb, trackio, none

    def __post_init__(self) -> None:
        """Raise ValueError for values that contradict each other; its text is a sentence."""
        checks = {
            f"optimizer is {self.optimizer!r}, one of {', '.join(OPTIMIZERS)}": self.optimizer in OPTIMIZERS,
            f"precision is {self.precision!r}, bf16 or fp32": self.precision in ("bf16", "fp32"),
            f"zero is {self.zero!r}, 1, 2 or 3": self.zero in (None, 1, 2, 3),
            f"{self.processes} processes, but {self.machines} x {self.gpus} GPUs: one process a GPU": self.gpus == 0
            or self.processes == self.machines * self.gpus,
            f"attention is {self.attention!r}, one of {', '.join(ATTENTION)}": self.attention in ATTENTION,
            f"{self.processes} processes on {self.machines} machines: as many on each": not self.processes
            % self.machines,
            "batch, accumulation, processes, max_length and epochs must be positive": min(
                self.batch, self.accumulation, self.processes, self.machines, self.max_length, self.epochs
            )
            > 0,
            f"warmup is {self.warmup}, a share from 0 to 1": 0 <= self.warmup < 1,
            f"validation is {self.validation}, a share from 0 to 1": 0 <= self.validation < 1,
            f"saves is {self.saves}, at least 2": self.saves >= 2,
            "LoRA and ZeRO-3 together are not supported: take zero: 2": not (self.lora and self.zero == 3),
            "DeepSpeed has no 8-bit optimizer: leave out zero, or take optimizer: adamw": not (
                self.zero and self.optimizer == "adamw_8bit"
            ),
        }
        for sentence, holds in checks.items():
            if not holds:
                raise ValueError(sentence)

    @property
    def effective_batch(self) -> int:
        """Return the rows, or packed sequences, of one optimizer step."""
        return self.batch * self.accumulation * self.processes

    def steps(self, sequences: int) -> int:
        """Return the optimizer's steps over `sequences` training sequences."""
        return max(1, math.ceil(self.steps_an_epoch(sequences) * self.epochs))

    def steps_an_epoch(self, sequences: int) -> int:
        """Return the steps of one epoch; the last may have fewer sequences."""
        batches = math.ceil(math.ceil(sequences / self.batch) / self.processes)
        return math.ceil(batches / self.accumulation)

    def identity(self) -> str:
        """Return a digest of what decides the weights, except rounding: a machine with other threads may resume."""
        return digest(*(f"{name}={value}" for name, value in asdict(self).items() if name not in NOT_DECISIVE))

    def deepspeed(self) -> dict[str, Any] | None:
        """Return DeepSpeed's configuration; the trainer fills in the batch sizes."""
        if self.zero is None:
            return None
        optimization = {
            "stage": self.zero,
            "overlap_comm": self.gpus > 0,
            "contiguous_gradients": True,
            "stage3_gather_16bit_weights_on_model_save": True,
        }
        # Sums in half precision lose small gradients of many micro-batches. Stages 2 and 3 spread single-precision sums
        # over the processes. Stage 1 would need 4 more bytes per weight, so it does as the published script.
        sums = {"data_types": {"grad_accum_dtype": "fp32"}} if self.zero > 1 and self.precision == "bf16" else {}
        return {
            **sums,
            "zero_optimization": optimization,
            "bf16": {"enabled": "auto"},
            "gradient_clipping": "auto",
            "train_micro_batch_size_per_gpu": "auto",
            "train_batch_size": "auto",
            "gradient_accumulation_steps": "auto",
        }


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from a YAML file; a UserError names the file, the key and the mistake."""
    try:
        given = yaml.safe_load(read_text(path)) or {}
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML: {error}") from error
    kinds = {field.name: field.type for field in fields(Recipe)}
    if unknown := sorted(set(given) - set(kinds)):
        raise UserError(f"{path}: {unknown[0]!r} is not a key of a recipe; the keys are {', '.join(kinds)}")
    if "model" not in given:
        raise UserError(f"{path}: `model` is missing: a hub id, a folder, or package:<module>/<file>.gguf")
    for name, value in given.items():
        _check_kind(path, name, value, _kind(kinds[name]))
    try:
        return Recipe(**given)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error


def _kind(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _check_kind(path: Path, name: str, value: Any, kind: str) -> None:
    wanted: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
    names = kind.removesuffix(" | None")
    if value is None and kind.endswith("None"):
        return
    if not isinstance(value, wanted[names]) or (isinstance(value, bool) and names != "bool"):
        hint = " (YAML reads 5e-6 as text: write 5.0e-6)" if names == "float" and isinstance(value, str) else ""
        raise UserError(f"{path}: {name} is {value!r}, it must be of type {names}{hint}")
