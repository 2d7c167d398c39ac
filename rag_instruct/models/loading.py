"""Load and check models and tokenizers, and save a model as a folder that inference servers can load."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from rag_instruct.errors import UserError
from rag_instruct.files import read_json
from rag_instruct.models.source import is_hub_id, model_source

ADAPTER = "adapter_config.json"  # in a folder of LoRA adapters
MODELS = "a hub id (gated ones need HF_TOKEN and accepted terms), a folder, or package:<module>/<file>.gguf"


def _place(model: str) -> tuple[str, dict[str, str]]:
    """Return the positional argument and the keyword arguments of from_pretrained for this model."""
    source = model_source(model)
    if source.endswith(".gguf"):
        return str(Path(source).parent), {"gguf_file": Path(source).name}
    return source, {}


@contextmanager
def _loading(what: str, model: str) -> Iterator[None]:
    with loading(f"{what} {model!r}", lambda error: f": {_missing_folder(model) or f'{error}; a model is {MODELS}'}"):
        yield


@contextmanager
def loading(what: str, explained: Callable[[str], str]) -> Iterator[None]:
    """Turn any error of the loading libraries into a UserError, because a damaged file may raise any.

    `explained` gets the error's first line, and returns what the message says after "cannot be loaded".
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{what} cannot be loaded{explained(_first_line(error))}") from error


def load_weights(kind: Any, place: str, unused: str | tuple[str, ...] = (), **arguments: Any) -> Any:
    """Return a model of `kind`, a class of transformers that loads models.

    Raises ValueError if its files lack weights, because transformers would draw these at random. Only weights whose
    names begin with `unused` may be missing.
    """
    model, report = kind.from_pretrained(place, output_loading_info=True, **arguments)
    missing = sorted(name for name in report["missing_keys"] if not name.startswith(unused))
    if missing:
        raise ValueError(f"its files lack {len(missing)} weights of {type(model).__name__}, such as {missing[0]}")
    return model


def _missing_folder(model: str) -> str:
    """Return what to do if the name is a folder that does not exist, or "" for a hub id."""
    path = Path(model)
    if is_hub_id(model) or model.startswith("package:") or path.exists():
        return ""
    if path.parts[::2] != ("results", "models") or len(path.parts) != 4:
        return f"the folder does not exist; a model is {MODELS}"
    command = "make train-demo" if path.parts[1] == "rag_instruct_demo" else f"snakemake --cores all {model}"
    return f"the folder does not exist: train the model first, with {command}"


def load_tokenizer(model: str, revision: str | None = None) -> PreTrainedTokenizerBase:
    """Load the model's tokenizer. Raises UserError if it cannot be loaded."""
    place, more = _place(model)
    with _loading("the tokenizer of model", model):
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(place, revision=revision, **more)
    return tokenizer


def base_of(model: str) -> tuple[str, str | None] | None:
    """Return the base model and its revision, if the model is a folder of LoRA adapters that are not merged."""
    described = Path(model) / ADAPTER
    if not described.is_file():
        return None
    found = read_json(described)
    return found["base_model_name_or_path"], found["revision"]


def load_config(model: str, revision: str | None = None) -> PreTrainedConfig:
    """Load the model's configuration, of adapters that of their base. Raises UserError if it cannot be loaded."""
    if base := base_of(model):
        return load_config(*base)
    place, more = _place(model)
    with _loading("the configuration of model", model):
        if more:
            return deepcopy(_config_of_gguf(place, more["gguf_file"]))
        config: PreTrainedConfig = AutoConfig.from_pretrained(place, revision=revision)
    return config


@cache
def _config_of_gguf(folder: str, name: str) -> PreTrainedConfig:
    """Return the configuration in a GGUF file. transformers reads the whole vocabulary for it, which takes seconds."""
    config: PreTrainedConfig = AutoConfig.from_pretrained(folder, gguf_file=name)
    return config


def load_student(
    model: str, dtype: torch.dtype, revision: str | None = None, attention: str = "sdpa"
) -> PreTrainedModel:
    """Load the model with weights of `dtype`. Adapters are merged into their base.

    Raises UserError if the model cannot be loaded, or if its files lack weights.
    """
    if base := base_of(model):
        return _with_adapters(model, load_student(base[0], dtype, base[1], attention))
    place, more = _place(model)
    known: dict[str, Any] = {"config": load_config(model)} if more else {}
    with _loading("model", model):
        student: PreTrainedModel = load_weights(
            AutoModelForCausalLM, place, revision=revision, dtype=dtype, attn_implementation=attention, **more, **known
        )
    student = _unquantized(student, dtype, attention) if more else student
    _make_savable(student)
    return student


def _with_adapters(folder: str, base: PreTrainedModel) -> PreTrainedModel:
    from peft import PeftModel  # loads slowly

    with _loading("the adapters in", folder):
        student: PreTrainedModel = PeftModel.from_pretrained(base, folder).merge_and_unload()
        student.generation_config = GenerationConfig.from_pretrained(folder)
    return student


def _make_savable(student: PreTrainedModel) -> None:
    """Correct generation settings that load but do not save, so that saving the first checkpoint does not fail."""
    settings = student.generation_config
    try:
        if settings is not None:
            settings.validate(strict=True)
    except ValueError:  # a temperature without sampling; we assume that sampling was intended
        settings.do_sample = True


def _unquantized(student: PreTrainedModel, dtype: torch.dtype, attention: str) -> PreTrainedModel:
    """Return an ordinary model with the same weights, because a model that was loaded from GGUF cannot be saved."""
    config = student.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation=attention)
    plain.load_state_dict(student.state_dict())
    plain.tie_weights()
    return plain


def check_model(model: str, tokenizer: PreTrainedTokenizerBase, max_length: int, revision: str | None = None) -> None:
    """Raise UserError if the model lacks positions for `max_length` tokens, or embeddings for the special tokens.

    These are the tokens for padding and for the end.
    """
    config = load_config(model, revision).get_text_config()
    longest = getattr(config, "max_position_embeddings", max_length)
    if max_length > longest:
        raise UserError(
            f"max_length is {max_length}, but {model} has only {longest} positions: lower max_length in the recipe"
        )
    for name in ("pad_token_id", "eos_token_id"):
        if getattr(tokenizer, name) >= config.vocab_size:
            raise UserError(
                f"{model}: the tokenizer's {name} is {getattr(tokenizer, name)}, but the model has only "
                f"{config.vocab_size} embeddings: choose a smaller token id in tokenizer_config.json"
            )


def refuse_unknown_tokens(model: str, known: int, ids: Iterable[int], tokenizer: PreTrainedTokenizerBase) -> None:
    """Raise UserError if one of these token ids has no embedding. The model has `known` embeddings."""
    beyond = sorted({token for token in ids if token >= known})
    if beyond:
        named = ", ".join(f"{token} ({tokenizer.convert_ids_to_tokens(token)})" for token in beyond[:3])
        raise UserError(
            f"{model}: the rows have the token ids {named}, but the model has only {known} embeddings: take the "
            "tokenizer and the chat template that belong to the model"
        )


def save_folder(
    folder: Path, student: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, state: dict[str, Any], answer_end: int
) -> None:
    """Write the model's folder: bf16 weights as safetensors, configurations, and the tokenizer with its chat template.

    If the student is a model of peft, the weights are its adapters. `state` has the weights by name. `answer_end` is
    the id of the token that ends an answer in training.
    """
    halves: dict[int, torch.Tensor] = {}  # bf16 weights by memory address, so that tied weights stay tied
    for value in state.values():
        halves.setdefault(value.data_ptr(), value.to(torch.bfloat16) if value.is_floating_point() else value)
    kept = {name: halves[value.data_ptr()] for name, value in state.items()}
    student.to(torch.bfloat16)  # type: ignore[arg-type]  # so that the saved configuration has the right dtype
    student.config.use_cache = True
    student.config.pad_token_id = tokenizer.pad_token_id
    settings = student.generation_config
    if settings is not None:
        settings.pad_token_id = tokenizer.pad_token_id
        known = settings.eos_token_id if isinstance(settings.eos_token_id, list) else [settings.eos_token_id]
        settings.eos_token_id = sorted({answer_end, int(tokenizer.eos_token_id), *filter(None, known)})
    student.save_pretrained(folder, state_dict=kept)
    if settings is not None:
        settings.save_pretrained(folder)  # peft does not
    tokenizer.save_pretrained(folder)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
