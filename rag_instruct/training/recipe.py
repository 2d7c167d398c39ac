"""Training recipes: read and check files of resources/recipes/, and derive batch sizes and steps."""

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

# torchao's 8-bit AdamW rounds bf16 weights stochastically: rounding to the nearest would lose steps of 5e-6.
OPTIMIZERS = {"adamw": "adamw_torch", "adamw_8bit": "adamw_torch_8bit"}
NOT_DECISIVE = (
    "threads",
    "memory_mb",
    "hours",
    "report_to",
    "checkpoints_kept",
    "validation_batch",
    "merge_lora",
)  # of the weights


class Recipe(Section):
    """How a model is trained. Lengths in tokens, memory in MB; batches are rows of one process."""

    model: str = Field(description="A hub id, a folder, or package:<module>/<file>.gguf.")
    revision: Maybe[str] = Field(None, description="A commit, branch or tag of the hub id.")
    max_length: Positive = Field(4096, description="The most tokens of a row; longer rows are left out.")
    epochs: PositiveNumber = Field(3, description="How often all rows are seen.")
    learning_rate: PositiveNumber = Field(5e-6, description="The highest learning rate.")
    schedule: str = Field("cosine", description="How the learning rate falls: a scheduler's name of transformers.")
    warmup: ShareBelowOne = Field(0.05, description="The share of optimizer steps in which the learning rate rises.")
    weight_decay: Amount = Field(0.1, description="AdamW's weight decay.")
    clip: Amount = Field(1.0, description="The norm to which gradients are clipped.")
    batch: Positive = Field(1, description="Rows of a process in one pass; with `packing`, sequences.")
    accumulation: Positive = Field(16, description="Passes whose gradients one step adds up.")
    optimizer: Literal["adamw", "adamw_8bit"] = Field("adamw", description="8 bits take less memory, and no DeepSpeed.")
    precision: Literal["bf16", "fp32"] = Field("bf16", description="bf16 is mixed precision.")
    checkpointing: bool = Field(
        True, description="Whether activations are computed again: less memory, a third more computation."
    )
    packing: bool = Field(False, description="Whether a sequence holds several rows, which do not see each other.")
    group_by_length: bool = Field(
        False, description="Whether rows of similar length share a step: less padding where `batch` is above 1."
    )
    attention: Literal["sdpa", "eager", "flash_attention_2", "flash_attention_3", "flex_attention"] = Field(
        "sdpa", description="The implementation of attention."
    )
    # The loss is fused and in chunks in any case (TRL).
    liger: bool = Field(False, description="Whether liger-kernel's fused layers are used, which need a GPU.")
    lora: Maybe[int] = Field(None, ge=0, description="LoRA's rank; left out, all weights are trained.")
    merge_lora: bool = Field(True, description="Whether the adapters are merged into the saved weights.")
    zero: Maybe[Literal[1, 2, 3]] = Field(None, description="DeepSpeed's ZeRO stage; left out, DeepSpeed is not used.")
    processes: Positive = Field(1, description="Processes on all machines together, one for each GPU.")
    machines: Positive = Field(1, description="Machines.")
    gpus: Natural = Field(0, description="GPUs of a machine.")
    threads: Positive = Field(8, description="CPU threads of a machine.")
    memory_mb: Positive = Field(64000, description="Memory of a machine, in MB.")
    hours: PositiveNumber = Field(24, description="Hours that a cluster grants the job.")
    validation: ShareBelowOne = Field(0.02, description="The share of rows that validate.")
    validation_batch: Positive = Field(1, description="Rows of a process in one validation pass.")
    saves: int = Field(10, ge=2, description="Checkpoints in the course of the training.")
    checkpoints_kept: Positive = Field(2, description="Checkpoints that are kept.")
    seed: int = Field(1, description="The seed of all that is random.")
    report_to: str = Field("tensorboard", description="Where curves go: tensorboard, wandb, trackio or none.")

    @model_validator(mode="after")
    def _values_go_together(self) -> Self:
        checks = {
            f"{self.processes} processes, but {self.machines} x {self.gpus} GPUs: one process a GPU": self.gpus == 0
            or self.processes == self.machines * self.gpus,
            f"{self.processes} processes on {self.machines} machines: as many on each": not self.processes
            % self.machines,
            "LoRA and ZeRO-3 together are not supported: take zero: 2": not (self.lora and self.zero == 3),
            "DeepSpeed has no 8-bit optimizer: leave out zero, or take optimizer: adamw": not (
                self.zero and self.optimizer == "adamw_8bit"
            ),
        }
        for sentence, holds in checks.items():
            if not holds:
                raise refusal(sentence)
        return self

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
        """A digest of what decides the weights, but for rounding: machines with other threads go on from each other."""
        return digest(*(f"{name}={value}" for name, value in self if name not in NOT_DECISIVE))

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
    """The recipe of a YAML file; a UserError names the file, the key and what is wrong with it."""
    return read_section(Recipe, path)
