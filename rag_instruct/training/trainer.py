"""Fine-tune with TRL's SFTTrainer.

On the CPU, a resumed training gives the same weights as a training without interruption. The model's folder appears
only when it is complete.
"""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from datasets import Dataset, disable_progress_bars
from transformers import PreTrainedModel, PreTrainedTokenizerBase, PrinterCallback
from transformers.utils.logging import set_verbosity_error
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from rag_instruct.errors import UserError
from rag_instruct.files import write_json, write_jsonl
from rag_instruct.logs import logger
from rag_instruct.models import engines
from rag_instruct.models.loading import load_student, save_folder
from rag_instruct.models.templates import DEFAULT, STYLES
from rag_instruct.training.callbacks import ProgressCallback, peak_memory_gb
from rag_instruct.training.checkpoints import claim, last_checkpoint, room_for
from rag_instruct.training.model_card import LOG, SUMMARY, model_card, versions
from rag_instruct.training.recipe import OPTIMIZERS, Recipe
from rag_instruct.training.rows import Example, Examples, digest_of
from rag_instruct.training.sampler import DeterministicSampler

STOPPED = 75  # exit status (EX_TEMPFAIL) after a signal; the training can resume


class Origin(NamedTuple):
    """The data set of a training."""

    name: str
    sha256: str
    language: str = ""  # code such as en, or "" if the language is not known


def arguments_of(recipe: Recipe, checkpoints: Path, validates: bool) -> SFTConfig:
    """Return the trainer's arguments for a recipe. `validates` is whether rows are held out."""
    on_gpu = recipe.gpus > 0
    return SFTConfig(
        output_dir=str(checkpoints),
        max_length=recipe.max_length,
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch,
        per_device_eval_batch_size=recipe.validation_batch,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,  # a value below 1 is a share of the steps
        weight_decay=recipe.weight_decay,  # the trainer does not decay norms and biases
        max_grad_norm=recipe.clip,
        optim=OPTIMIZERS[recipe.optimizer],
        optim_args="bf16_stochastic_round=True" if recipe.optimizer == "adamw_8bit" else None,
        bf16=recipe.precision == "bf16",
        activation_checkpointing=recipe.checkpointing,
        packing=recipe.packing,
        packing_strategy="bfd",
        eval_packing=False,
        use_liger_kernel=recipe.liger,
        deepspeed=recipe.deepspeed(),
        use_cpu=not on_gpu,
        dataloader_pin_memory=on_gpu,
        average_tokens_across_devices=True,  # so every answer token of the effective batch has the same weight
        eval_strategy="steps" if validates else "no",
        eval_steps=1 / recipe.saves,  # a value below 1 is a share of the steps
        eval_on_start=validates,
        save_strategy="steps",
        save_steps=1 / recipe.saves,
        save_total_limit=recipe.checkpoints_kept,
        logging_steps=1,
        report_to=recipe.report_to,
        disable_tqdm=True,  # ProgressCallback shows more
        seed=recipe.seed,
        full_determinism=not on_gpu,
    )


class Trainer(SFTTrainer):
    """TRL's trainer, with the order of rows from DeterministicSampler."""

    recipe: Recipe

    def _get_train_sampler(self, train_dataset: Any = None) -> DeterministicSampler:
        lengths = [len(ids) for ids in sequences_of(self)["input_ids"]]
        group = self.recipe.effective_batch if self.recipe.group_by_length else 0
        steps = self.recipe.steps_an_epoch(len(lengths))
        return DeterministicSampler(lengths, str(self.recipe.seed), group, lambda: self.state.global_step // steps)


def refuse_foreign(folder: Path) -> None:
    """Raise UserError if the model's folder is a file, or contains files that no training wrote."""
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / SUMMARY).is_file()):
        raise UserError(
            f"{folder} {'is a file' if folder.is_file() else 'contains files'} that no training wrote; refusing to "
            "overwrite: choose another folder for --output"
        )


def train(
    made: Examples,
    recipe: Recipe,
    tokenizer: PreTrainedTokenizerBase,
    checkpoints: Path,
    folder: Path,
    origin: Origin,
    tensorboard: Path,
) -> None:
    """Fine-tune the recipe's model on the examples. Write weights, tokenizer, card, log and summary to `folder`.

    Writes the loss curves to `tensorboard`. Resumes from the last checkpoint with the same data and recipe. Exits with
    status STOPPED after a signal. Raises UserError if the disk is full, or if `folder` or
    `checkpoints` contains files that no training wrote.
    """
    refuse_foreign(folder)
    disable_progress_bars()  # the trainer's preparation is short, because the rows are tokenized already
    set_verbosity_error()  # hides warnings about tied weights and special tokens, which are intended
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(tensorboard)
    arguments = arguments_of(recipe, checkpoints, bool(made.validation))
    resumed = agreed_checkpoint(checkpoints, arguments, lambda: identity_of(made, recipe, origin))
    if recipe.zero and not recipe.gpus:
        import deepspeed

        # On the CPU, only this call connects the processes. ZeRO-3 needs the connection while the model loads, because
        # it then divides the weights among the processes.
        deepspeed.init_distributed("gloo")
    callback = ProgressCallback()
    trainer = trainer_of(loaded(recipe), made, recipe, tokenizer, arguments, callback)
    sequences = checked_sequences(trainer, made.train)
    callback.tokens_a_step = made.counts["tokens"] / recipe.steps_an_epoch(sequences)
    with room_for(checkpoints):
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    step, steps = trainer.state.global_step, trainer.state.max_steps
    if callback.told_to_stop and step < steps:
        trainer.accelerator.wait_for_everyone()  # when one process ends, the launcher may kill the others
        logger.warning("stopped at step %d of %d: run the same command again to resume", step, steps)
        sys.exit(STOPPED)
    finish(trainer, tokenizer, folder, made, origin)


def identity_of(made: Examples, recipe: Recipe, origin: Origin) -> dict[str, str]:
    """Return what decides the weights. A training resumes only from checkpoints with the same identity."""
    return {
        "data": origin.sha256,
        "model": engines.identity(recipe.model, recipe.revision),
        "tokens": digest_of(made.train),
        "recipe": recipe.identity(),
        **versions(),
    }


def agreed_checkpoint(checkpoints: Path, arguments: SFTConfig, identity: Callable[[], dict[str, str]]) -> Path | None:
    """Claim the folder, and return the checkpoint from which all processes resume, or None.

    Only the first process looks. Another process could read a checkpoint that the first process is deleting, or could
    see an older state of a network file system.
    """
    resumed: list[Path | None] = [None]
    if arguments.process_index == 0:
        claim(checkpoints, identity())
        resumed = [last_checkpoint(checkpoints)]
    if arguments.world_size > 1:
        torch.distributed.broadcast_object_list(resumed)
    return resumed[0]


def loaded(recipe: Recipe) -> PreTrainedModel:
    """Load the recipe's model. In mixed precision with LoRA or adamw_8bit, the weights are bf16, otherwise fp32."""
    in_fp32 = recipe.precision == "fp32" or (recipe.lora is None and recipe.optimizer == "adamw")
    return load_student(recipe.model, torch.float32 if in_fp32 else torch.bfloat16, recipe.revision, recipe.attention)


def trainer_of(
    model: PreTrainedModel,
    made: Examples,
    recipe: Recipe,
    tokenizer: PreTrainedTokenizerBase,
    arguments: SFTConfig,
    callback: ProgressCallback,
) -> Trainer:
    """Return a trainer of `model` on these examples."""
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=_dataset(made.train),
        eval_dataset=_dataset(made.validation) if made.validation else None,
        processing_class=tokenizer,
        callbacks=[callback],
        peft_config=_adapter(recipe),
    )
    trainer.recipe = recipe
    trainer.remove_callback(PrinterCallback)
    return trainer


def _dataset(rows: list[Example]) -> Dataset:
    return Dataset.from_dict({"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]})


def sequences_of(trainer: SFTTrainer) -> Dataset:
    """Return the trainer's sequences. With packing, a sequence has several rows."""
    assert isinstance(trainer.train_dataset, Dataset)
    return trainer.train_dataset


def checked_sequences(trainer: SFTTrainer, rows: list[Example]) -> int:
    """Return the number of training sequences. Raises UserError if the trainer dropped or cut rows."""
    sequences = sequences_of(trainer)
    packed = "seq_lengths" in sequences.column_names  # the lengths of each sequence's rows
    kept = sum(len(lengths) for lengths in sequences["seq_lengths"]) if packed else len(sequences)
    tokens, wanted = sum(len(ids) for ids in sequences["input_ids"]), sum(len(row.input_ids) for row in rows)
    if (kept, tokens) != (len(rows), wanted):
        raise UserError(
            f"the trainer changed {len(rows)} rows with {wanted} tokens to {kept} rows with {tokens} tokens: please "
            "report this"
        )
    return len(sequences)


def _adapter(recipe: Recipe) -> Any:
    if recipe.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.lora, lora_alpha=2 * recipe.lora, target_modules="all-linear", task_type="CAUSAL_LM", lora_dropout=0.0
    )


def finish(trainer: Trainer, tokenizer: PreTrainedTokenizerBase, folder: Path, made: Examples, origin: Origin) -> None:
    """Write the model's folder. Every process must call this, because each may hold a part of the weights."""
    recipe, state = trainer.recipe, trainer.state
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    if recipe.lora and not recipe.merge_lora:
        adapter = model.peft_config["default"]
        adapter.base_model_name_or_path, adapter.revision = recipe.model, recipe.revision
    if recipe.lora and recipe.merge_lora:
        model = model.merge_and_unload()
        weights = model.state_dict()
    elif getattr(trainer.accelerator.state.deepspeed_plugin, "zero_stage", 0) == 3:
        weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    else:  # accelerate's get_state_dict would untie weights and copy them in every process
        weights = model.state_dict()
    # One loss for each step, because a resumed training validates again at its first step.
    losses = {line["step"]: line["eval_loss"] for line in state.log_history if "eval_loss" in line}
    runs = [line for line in state.log_history if "train_runtime" in line]
    summary = {
        "data_set": origin._asdict(),
        "recipe": dict(recipe),
        "versions": versions(),
        "counts": made.counts,
        "sequences": len(sequences_of(trainer)),
        "steps": state.global_step,
        "validation_loss": list(losses.values()),
        "seconds_of_the_last_run": runs[-1]["train_runtime"],
        "peak_memory_gb": round(peak_memory_gb(trainer.args.device), 3),
    }
    if trainer.is_world_process_zero():
        place = folder.resolve()  # a link may lead to another disk
        temporary = place.with_name(f".{place.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        with room_for(folder):
            answer_end = made.train[0].labels[-1]
            save_folder(temporary, model, tokenizer, weights, answer_end)
            write_jsonl(temporary / LOG, state.log_history)
            write_json(temporary / SUMMARY, summary)
            example = DEFAULT.render("QUESTION", ["TITLE\nTEXT", "TITLE\nTEXT"])
            (temporary / "README.md").write_text(model_card(folder.name, summary, example, len(STYLES)), "utf-8")
        shutil.rmtree(place, ignore_errors=True)
        os.replace(temporary, place)
    trainer.accelerator.wait_for_everyone()
