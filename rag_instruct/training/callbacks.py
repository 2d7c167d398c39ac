"""What is seen of a training while it runs, and its orderly end when it is told to stop."""

import signal
import sys
from typing import Any

import torch
from transformers import TrainerCallback

from rag_instruct.logs import bar, logger

STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)  # of SLURM before a preemption, of people


def end_when_told() -> None:
    """Until the training begins there is nothing to save: undo that the launcher's shell has signals ignored."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


class ProgressCallback(TrainerCallback):
    """A bar with loss, tokens a second and memory; a checkpoint and an orderly end on STOP_SIGNALS."""

    def __init__(self) -> None:
        self.tokens_a_step = 0.0
        self.told_to_stop = False
        self.signal = ""  # by which it was told
        self.bar: Any = None
        self.shown: dict[str, str] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        for number in STOP_SIGNALS:
            signal.signal(number, self._stop)
        if state.is_world_process_zero:
            self.bar = bar("training", total=state.max_steps, unit="step", done=state.global_step)

    def _stop(self, number: int, _: Any) -> None:
        """Only take note: to write from a handler is an error where the signal has come amid the bar's own writing."""
        self.signal = signal.Signals(number).name
        self.told_to_stop = True

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        if self.bar is not None:
            self.bar.update(1)
        self.told_to_stop = _any_process(self.told_to_stop, args.device)
        if self.told_to_stop:
            if state.global_step < state.max_steps:
                logger.warning("%s: saving a checkpoint, then stopping", self.signal or "told to stop")
            control.should_save = control.should_training_stop = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if self.bar is None or not logs:
            return
        self.shown |= {name: f"{logs[name]:.3f}" for name in ("loss", "eval_loss") if name in logs}
        if rate := self.bar.format_dict["rate"]:
            self.shown["tokens/s"] = f"{rate * self.tokens_a_step:,.0f}"
        self.bar.set_postfix(self.shown | {"memory": f"{peak_memory_gb():.1f} GB"})

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.bar is not None:
            self.bar.close()


def _any_process(told: bool, device: torch.device) -> bool:
    """Whether any process was told: all have to stop at the same step, or they wait for each other for ever."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return told
    flag = torch.tensor(int(told), device=device)
    torch.distributed.all_reduce(flag, torch.distributed.ReduceOp.MAX)
    return bool(flag.item())


def peak_memory_gb() -> float:
    """The peak of this process in GB (10^9 bytes): of its GPU if it has one, else resident."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
