"""Generate answers with a local model: with vLLM if vLLM and a GPU are available, else with transformers."""

import hashlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from transformers import GenerationConfig, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from rag_instruct.errors import UserError
from rag_instruct.files import digest
from rag_instruct.logs import logger
from rag_instruct.models.chat import prepared
from rag_instruct.models.decoding import Decoding
from rag_instruct.models.loading import (
    ADAPTER,
    base_of,
    load_config,
    load_student,
    load_tokenizer,
    refuse_unknown_tokens,
)
from rag_instruct.models.source import model_source

# The files in a model's folder that determine its answers, in addition to the weights.
DECIDING = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    ADAPTER,
)
# The same for a folder without tokenizer.json, whose tokenizer is made from these.
VOCABULARY = ("vocab.json", "vocab.txt", "merges.txt", "added_tokens.json", "special_tokens_map.json")
WEIGHTS = (".safetensors", ".bin", ".model", ".gguf")


class Generated(NamedTuple):
    """A generated answer."""

    text: str
    finished: bool  # the model ended the answer; False: it was cut off


class Engine(Protocol):
    """Generates answers to batches of prompts."""

    batch_tokens: int  # the most tokens of a batch, padding and answers included
    batch_rows: int  # the most prompts of a batch

    def generate(self, prompts: list[list[int]], decoding: Decoding, seed: int) -> list[Generated]: ...


class Transformers:
    """Runs any model with transformers, on a GPU if there is one, else on the CPU. Prompts are padded on the left."""

    def __init__(self, model: str, tokenizer: PreTrainedTokenizerBase, revision: str | None) -> None:
        self._name, self._tokenizer = model, tokenizer
        self._model, self._ends = generating(model, tokenizer, revision)
        self._device = self._model.device
        self._hide_special = not _shows_channels(tokenizer)
        self.batch_tokens, self.batch_rows = (65_536, 64) if self._device.type == "cuda" else (8_192, 16)

    def generate(self, prompts: list[list[int]], decoding: Decoding, seed: int) -> list[Generated]:
        known = self._model.get_input_embeddings().num_embeddings
        refuse_unknown_tokens(self._name, known, (token for prompt in prompts for token in prompt), self._tokenizer)
        torch.manual_seed(seed)
        ids, mask = _padded(prompts, int(self._tokenizer.pad_token_id))
        sampling: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if decoding.temperature:
            sampling = {"do_sample": True, "temperature": decoding.temperature, "top_p": decoding.top_p, "top_k": 0}
        with torch.inference_mode():
            made = self._model.generate(
                input_ids=ids.to(self._device),
                attention_mask=mask.to(self._device),
                max_new_tokens=decoding.max_new_tokens,
                eos_token_id=self._ends,
                pad_token_id=self._tokenizer.pad_token_id,
                **sampling,
            )
        return [self._read(answer.tolist()) for answer in made[:, ids.shape[1] :].cpu()]

    def _read(self, answer: list[int]) -> Generated:
        end = next((place for place, token in enumerate(answer) if token in self._ends), None)
        text = self._tokenizer.decode(answer[:end], skip_special_tokens=self._hide_special)
        return Generated(str(text).strip(), end is not None)


def generating(model: str, tokenizer: PreTrainedTokenizerBase, revision: str | None) -> tuple[Any, list[int]]:
    """Load the model on a GPU if there is one, else on the CPU. Return it and the ids of the tokens that end an answer.

    The model's own generation settings, such as a repetition penalty, are removed. They would change the decoding.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    loaded = load_student(model, torch.bfloat16 if device.type == "cuda" else torch.float32, revision).eval()
    loaded.to(device)
    ends = _ends(loaded.generation_config, tokenizer)
    loaded.generation_config = GenerationConfig()
    return loaded, ends


def padded_batches(lengths: Sequence[int], tokens: int, rows: int | None = None) -> Iterator[list[int]]:
    """Yield batches of texts of similar length, as positions in `lengths`, which has each text's number of tokens.

    A batch has at most `rows` texts and, padding included, at most `tokens` tokens. A text of more tokens is a batch
    alone. The longest texts come first, so that out-of-memory errors occur at once. Texts of one length keep their
    order.
    """
    batch: list[int] = []
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batch and (len(batch) == rows or (len(batch) + 1) * lengths[batch[0]] > tokens):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _padded(prompts: list[list[int]], padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    longest = max(map(len, prompts))
    ids = torch.tensor([[padding] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask


def _ends(settings: Any, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the ids of the tokens that end an answer, from the generation settings and the tokenizer."""
    said = getattr(settings, "eos_token_id", None)
    ends = said if isinstance(said, list) else [said]
    return sorted({int(token) for token in [*ends, tokenizer.eos_token_id] if token is not None})


def _shows_channels(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Return whether the model marks its thoughts and its answer by special tokens, as gpt-oss does.

    An answer keeps them: without them, thoughts and answer would be one text, and scorers could not tell them apart.
    """
    return "<|channel|>" in tokenizer.get_added_vocab()


class Vllm:
    """Runs a model on GPUs with vLLM. It gets thousands of prompts at once, because vLLM forms its own batches."""

    def __init__(self, model: str, tokenizer: PreTrainedTokenizerBase, revision: str | None) -> None:
        import vllm  # not in the requirements, because vLLM needs its own version of torch

        self._vllm = vllm
        self._ends = _ends(None, tokenizer)
        self._hide_special = not _shows_channels(tokenizer)
        self._llm = vllm.LLM(
            model=model_source(model), revision=revision, tensor_parallel_size=max(1, torch.cuda.device_count()), seed=0
        )
        self.batch_tokens, self.batch_rows = 4_000_000, 2_000

    def generate(self, prompts: list[list[int]], decoding: Decoding, seed: int) -> list[Generated]:
        sampling = self._vllm.SamplingParams(
            temperature=decoding.temperature,
            top_p=decoding.top_p,
            max_tokens=decoding.max_new_tokens,
            stop_token_ids=self._ends,
            skip_special_tokens=self._hide_special,
            seed=seed,
        )
        made = self._llm.generate([{"prompt_token_ids": prompt} for prompt in prompts], sampling, use_tqdm=False)
        answers = [completion.outputs[0] for completion in made]
        return [Generated(answer.text.strip(), answer.finish_reason == "stop") for answer in answers]


def tokenizer_of(model: str, revision: str | None) -> PreTrainedTokenizerBase:
    """Return the model's tokenizer with a chat template. Raises UserError if it has no tokenizer or no end token."""
    tokenizer = prepared(load_tokenizer(model, revision))
    tokenizer.padding_side = "left"
    return tokenizer


def longest_of(model: str, revision: str | None) -> int:
    """Return how many tokens a prompt and its answer may have together."""
    return int(getattr(load_config(model, revision).get_text_config(), "max_position_embeddings", 1 << 20))


def engine_of(model: str, tokenizer: PreTrainedTokenizerBase, revision: str | None) -> Engine:
    """Load the model in the best engine on this machine. vLLM reads neither GGUF files nor folders of adapters."""
    disable_progress_bar()  # of loading; the log has a line instead
    if find_spec("vllm") and torch.cuda.is_available() and not (model.endswith(".gguf") or base_of(model)):
        logger.info("%s: generating with vLLM on %d GPUs", model, torch.cuda.device_count())
        return Vllm(model, tokenizer, revision)
    logger.info("%s: generating with transformers on %s", model, "a GPU" if torch.cuda.is_available() else "the CPU")
    return Transformers(model, tokenizer, revision)


def identity(model: str, revision: str | None) -> str:
    """Return a name that identifies the exact weights, so that new weights in a folder do not reuse old answers.

    For a folder or a file, the name has a digest of the files. For a hub id, it has the commit. The name of adapters
    also has that of their base.
    """
    place = Path(model_source(model))
    if place.is_file():
        return f"{place.name}:{_digest_of([place])}"
    if place.is_dir():
        deciding = DECIDING if (place / "tokenizer.json").exists() else (*DECIDING, *VOCABULARY)
        files = sorted(path for path in place.iterdir() if path.suffix in WEIGHTS or path.name in deciding)
        if not any(path.suffix in WEIGHTS for path in files):
            raise UserError(f"{place}: no weights in this folder ({', '.join(WEIGHTS)}): give a model's folder")
        base = base_of(str(place))
        return f"{place.name}:{_digest_of(files)}" + (f" on {identity(*base)}" if base else "")
    return f"{model}@{load_config(model, revision)._commit_hash}"


def _digest_of(files: list[Path]) -> str:
    parts: list[str] = []
    for path in files:
        with path.open("rb") as file:
            parts.append(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}")
    return digest(*parts)[:16]
