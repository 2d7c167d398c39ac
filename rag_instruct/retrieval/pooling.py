"""Pool like sentence-transformers: make one vector of the vectors of a text's tokens, as the model's files say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers.utils.hub import cached_file

from rag_instruct.errors import UserError

# A model of sentence-transformers is a list of modules. We support these modules.
MODULES = {"Transformer", "Pooling", "Normalize"}
# One of these files has the settings of the Transformer module. Older versions named the file after the architecture.
TRANSFORMER_FILES = [
    f"sentence_{name}_config.json"
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
]
# The settings of the Pooling module name the mode. Until sentence-transformers 5.3, they had one of these keys with the
# value true. Since then, they have the key `pooling_mode`.
KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
PROMPTS = {"query": ("query",), "passage": ("document", "passage", "corpus")}
# The settings of the Transformer module may name a task and an output. We support only the defaults.
TASK = "feature-extraction"
LAST_LAYER = {"method": "forward", "method_output_name": "last_hidden_state"}
# Functions of the last layer, shape (rows, tokens, dimension), and of the mask, shape (rows, tokens). The mask is 0 for
# padding, which is on the right.
POOLINGS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "mean": lambda hidden, mask: hidden.masked_fill(mask[..., None] == 0, 0.0).sum(1) / mask.sum(1, keepdim=True),
    "cls": lambda hidden, _: hidden[:, 0],
    "lasttoken": lambda hidden, mask: hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1],
}


class Pooling(NamedTuple):
    """How a model pools.

    Args:
        mode: a key of POOLINGS
        normalize: whether vectors have length 1
        lower_case: whether texts are lowercased before the tokenizer gets them
        pools_prefix: whether the pooling includes the tokens of a prefix
        folder: the subfolder with weights and tokenizer, such as 0_Transformer of older versions, or empty
        longest: the number of tokens after which sentence-transformers cuts a text, if it is known
        query_prompt: the model's own text before every query
        passage_prompt: the model's own text before every passage
    """

    mode: str
    normalize: bool
    lower_case: bool
    pools_prefix: bool
    folder: str = ""
    longest: int | None = None
    query_prompt: str = ""
    passage_prompt: str = ""


def read_pooling(source: str, revision: str | None) -> Pooling:
    """Return how the model pools. A model without modules.json, such as Contriever, takes the mean.

    Raises UserError if the model needs a module, mode or output that we cannot compute.
    """

    def settings(name: str) -> Any:
        found = cached_file(source, name, revision=revision, _raise_exceptions_for_missing_entries=False)
        return json.loads(Path(found).read_text("utf-8")) if found else None

    modules = {module["type"].rsplit(".", 1)[-1]: module["path"] for module in settings("modules.json") or []}
    pooling = (settings(f"{modules['Pooling']}/config.json".lstrip("/")) or {}) if "Pooling" in modules else {}
    folder = modules.get("Transformer", "")
    files = (settings(f"{folder}/{name}".lstrip("/")) for name in TRANSFORMER_FILES) if modules else ()
    transformer: dict[str, Any] = next(filter(None, files), {})
    modes = _modes(pooling)
    if unsupported := _unsupported(modules, modes, transformer):
        raise UserError(
            f"encoder {source!r} needs {', '.join(unsupported)}, which is not supported: choose another `model` under "
            "`encoders` in config.yaml"
        )
    lower_case, pools_prefix = transformer.get("do_lower_case", False), pooling.get("include_prompt", True)
    prompts = _prompts((settings("config_sentence_transformers.json") or {}) if modules else {})
    longest = transformer.get("max_seq_length")
    return Pooling(modes[0], "Normalize" in modules, bool(lower_case), bool(pools_prefix), folder, longest, *prompts)


def _unsupported(modules: dict[str, str], modes: list[str], transformer: dict[str, Any]) -> list[str]:
    """Return, in words, what a model needs and we cannot compute.

    `transformer` has the settings of the Transformer module.
    """
    found = [f"the module {name}" for name in sorted(set(modules) - MODULES)]
    found += [f"pooling_mode {mode}" for mode in modes if mode not in POOLINGS]
    if len(modes) > 1 and not found:
        found = [f"the pooling modes {' and '.join(modes)} in combination"]
    output = (transformer.get("modality_config") or {}).get("text", LAST_LAYER)
    if transformer.get("transformer_task", TASK) != TASK or output != LAST_LAYER:
        found.append("another output than the last layer")
    return found


def _prompts(config: dict[str, Any]) -> tuple[str, str]:
    """Return the model's texts before queries and before passages. Each is empty if the model has none.

    Like sentence-transformers, we look for the names of PROMPTS in their order, then take the default prompt.
    """
    known = config.get("prompts") or {}
    default = known.get(config.get("default_prompt_name"), "")
    query, passage = (
        next((known[name] for name in names if name in known), default) or "" for names in PROMPTS.values()
    )
    return query, passage


def _modes(pooling: dict[str, Any]) -> list[str]:
    """Return the modes in the settings of a Pooling module, of the old or new form (see KEYS). The default is mean."""
    given = pooling.get("pooling_mode")
    if given is None:
        given = [KEYS.get(key, key) for key, on in pooling.items() if key.startswith("pooling_mode_") and on]
    if not isinstance(given, list):
        return [str(given)]
    return [str(mode) for mode in given] or ["mean"]
