"""Read and check training recipes (resources/recipes/), and derive batch sizes, steps and DeepSpeed settings."""

import math
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from rag_instruct.files import digest
from rag_instruct.settings.explain import read_section
from rag_instruct.settings.section import (
    Amount,
    Maybe,
    Natural,
    Positive,
    PositiveNumber,
    Section,
    ShareBelowOne,
    refusal,
)

# torchao's 8-bit AdamW rounds bf16 weights stochastically. With rounding to nearest, updates at a learning rate of 5e-6
# would be too small to change most weights.
OPTIMIZERS = {"adamw": "adamw_torch", "adamw_8bit": "adamw_torch_8bit"}
# A training still resumes if only these keys change. `threads` changes only rounding.
NOT_DECISIVE = (
    "threads",
    "memory_mb",
    "hours",
    "report_to",
    "saves",
    "checkpoints_kept",
    "validation",  # trainer.identity_of has a digest of the training rows
    "validation_batch",
    "merge_lora",
)


class Recipe(Section):
    """How a model is trained. Lengths are in tokens, memory in MB, batches in rows of one process."""

    model: str = Field(description="A hub id, a folder, or package:<module>/<file>.gguf.")
    revision: Maybe[str] = Field(None, description="A commit, branch or tag of the hub id.")
    max_length: Positive = Field(
        4096, description="The most tokens of a row. Longer rows lose noise documents, or are left out."
    )
    epochs: PositiveNumber = Field(3, description="Passes over all rows.")
    learning_rate: PositiveNumber = Field(5e-6, description="The highest learning rate.")
    # Other schedules of transformers need arguments for which a recipe has no keys.
    schedule: Literal[
        "linear",
        "cosine",
        "cosine_with_restarts",
        "polynomial",
        "constant",
        "constant_with_warmup",
        "inverse_sqrt",
    ] = Field("cosine", description="The learning-rate schedule, by its name in transformers.")
    warmup: ShareBelowOne = Field(0.05, description="The share of optimizer steps in which the learning rate rises.")
    weight_decay: Amount = Field(0.1, description="AdamW's weight decay.")
    clip: Amount = Field(1.0, description="The largest gradient norm; larger gradients are scaled down to it.")
    batch: Positive = Field(1, description="Rows in one pass of a process; with `packing`, packed sequences.")
    accumulation: Positive = Field(16, description="Passes per optimizer step; their gradients are added.")
    optimizer: Literal["adamw", "adamw_8bit"] = Field(
        "adamw", description="adamw_8bit needs less memory, but does not work with DeepSpeed."
    )
    precision: Literal["bf16", "fp32"] = Field("bf16", description="bf16 is mixed precision.")
    checkpointing: bool = Field(
        True, description="Recompute activations in the backward pass: less memory, a third more computation."
    )
    packing: bool = Field(False, description="Put several rows into one sequence. Rows do not attend to each other.")
    group_by_length: bool = Field(
        False, description="Put rows of similar length into one step: less padding if `batch` is above 1."
    )
    attention: Literal["sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention"] = Field(
        "sdpa", description="The implementation of attention."
    )
    # TRL computes the loss in chunks itself, so it does not use liger's loss.
    liger: bool = Field(False, description="Use liger-kernel's fused layers, which need a GPU.")
    lora: Maybe[int] = Field(None, ge=1, description="LoRA's rank. Without it, all weights are trained.")
    merge_lora: bool = Field(True, description="Merge the adapters into the saved weights.")
    zero: Maybe[Literal[1, 2, 3]] = Field(
        None, description="DeepSpeed's ZeRO stage. Without it, DeepSpeed is not used."
    )
    processes: Positive = Field(1, description="Processes on all machines together, one for each GPU.")
    machines: Positive = Field(1, description="Number of machines.")
    gpus: Natural = Field(0, description="GPUs of each machine; 0: train on the CPU.")
    threads: Positive = Field(8, description="CPU threads of each machine.")
    memory_mb: Positive = Field(64000, description="Memory of each machine, in MB.")
    hours: PositiveNumber = Field(24, description="The job's time limit on a cluster, in hours.")
    validation: ShareBelowOne = Field(
        0.02,
        description="The share of rows held out for validation. It counts only if the data set's `validation` is 0, "
        "or if scripts.train runs without --validation.",
    )
    validation_batch: Positive = Field(1, description="Rows in one validation pass of a process.")
    saves: int = Field(10, ge=2, description="The number of checkpoints that a training writes.")
    checkpoints_kept: Positive = Field(2, description="The number of newest checkpoints that stay on disk.")
    seed: int = Field(1, description="The seed of everything random.")
    report_to: Literal["tensorboard", "wandb", "trackio", "none"] = Field(
        "tensorboard", description="Where loss curves go."
    )

    @model_validator(mode="after")
    def _values_go_together(self) -> Self:
        faults = {
            f"{self.processes} processes, but {self.machines} x {self.gpus} GPUs: set processes to machines x gpus, "
            "one for each GPU": self.gpus > 0 and self.processes != self.machines * self.gpus,
            f"{self.processes} processes on {self.machines} machines: set processes to a multiple of machines, because "
            "each machine runs the same number": self.processes % self.machines > 0,
            "lora and ZeRO stage 3 are not supported together: set zero: 2": self.lora and self.zero == 3,
            "DeepSpeed does not support adamw_8bit: remove zero, or set optimizer: adamw": (
                self.zero and self.optimizer == "adamw_8bit"
            ),
        }
        for message, is_wrong in faults.items():
            if is_wrong:
                raise refusal(message)
        return self

    @property
    def effective_batch(self) -> int:
        """Return the number of rows (or packed sequences) in one optimizer step."""
        return self.batch * self.accumulation * self.processes

    def steps(self, sequences: int) -> int:
        """Return the optimizer steps of the whole training with `sequences` sequences."""
        return max(1, math.ceil(self.steps_an_epoch(sequences) * self.epochs))

    def steps_an_epoch(self, sequences: int) -> int:
        """Return the optimizer steps of one epoch. The last step may have fewer sequences."""
        batches = math.ceil(math.ceil(sequences / self.batch) / self.processes)
        return math.ceil(batches / self.accumulation)

    def identity(self) -> str:
        """Return a digest of all keys except NOT_DECISIVE. A training resumes only if the digest is the same."""
        return digest(*(f"{name}={value}" for name, value in self if name not in NOT_DECISIVE))

    def deepspeed(self) -> dict[str, Any] | None:
        """Return DeepSpeed's configuration, or None without `zero`. The trainer fills in values that are "auto"."""
        if self.zero is None:
            return None
        optimization = {
            "stage": self.zero,
            "overlap_comm": self.gpus > 0,
            "contiguous_gradients": True,
            "stage3_gather_16bit_weights_on_model_save": True,
        }
        # If the gradients of many passes are added up in bf16, small gradients are lost. In stages 2 and 3, each
        # process has a part of the sums, so we ask for sums in fp32. In stage 1, each process has all sums, and those
        # in fp32 would take another 4 bytes per weight. So we leave them in bf16, like RAG-Instruct's script.
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
    """Return the recipe in a YAML file. Raises UserError with file, key and fault."""
    return read_section(Recipe, path)
