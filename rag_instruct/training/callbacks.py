"""Show a training's progress. On a signal, save a checkpoint and stop."""

import signal
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from rag_instruct.logs import bar, logger
from rag_instruct.training.checkpoints import note_sizes

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)  # SLURM sends the first two, Ctrl-C the third


def end_when_told() -> None:
    """Until the training begins, let STOP_SIGNALS end the process.

    The launcher's shell ignores these signals, and so do the processes that it starts.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


class ProgressCallback(TrainerCallback):
    """Show loss, tokens per second and memory. On STOP_SIGNALS, save a checkpoint and stop."""

    def __init__(self) -> None:
        self.tokens_a_step = 0.0  # on average; train() sets it
        self.told_to_stop = False
        self.signal = ""  # name of the signal that this process received
        self.bar: Any = None
        self.bar_values: dict[str, str] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        # A checkpoint stores the save and validation intervals. The recipe's `saves` may have changed since.
        state.compute_steps(args, state.max_steps)
        if state.is_world_process_zero:
            self.bar = bar("training", total=state.max_steps, unit="step", done=state.global_step)

    def _stop(self, number: int, _: Any) -> None:
        """Record the signal, and print nothing: the progress bar may be printing when the signal comes."""
        self.signal = signal.Signals(number).name
        self.told_to_stop = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if self.bar is not None:
            self.bar.update(1)
        self.told_to_stop = _any_process(self.told_to_stop, args.device)
        if self.told_to_stop:
            if state.global_step < state.max_steps:
                reason = f"received {self.signal}" if self.signal else "another process received a signal"
                logger.warning("%s: saving a checkpoint, then stopping", reason)
            control.should_save = control.should_training_stop = True
        return control

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            torch.distributed.barrier()  # each process writes a part of the checkpoint
        if state.is_world_process_zero:
            note_sizes(Path(args.output_dir) / f"checkpoint-{state.global_step}")

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if self.bar is None or not logs:
            return
        self.bar_values |= {name: f"{logs[name]:.3f}" for name in ("loss", "eval_loss") if name in logs}
        if rate := self.bar.format_dict["rate"]:
            self.bar_values["tokens/s"] = f"{rate * self.tokens_a_step:,.0f}"
        self.bar.set_postfix(self.bar_values | {"memory": f"{peak_memory_gb(args.device):.1f} GB"})

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.bar is not None:
            self.bar.close()


def _any_process(told: bool, device: torch.device) -> bool:
    """Return whether any process received a signal. All must stop at the same step: each waits for the others."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return told
    flag = torch.tensor(int(told), device=device)
    torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
    return bool(flag.item())


def peak_memory_gb(device: torch.device) -> float:
    """Return this process's peak memory in GB (10^9 bytes): GPU memory if `device` is a GPU, else main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
