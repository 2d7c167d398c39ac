"""Write conversations with a model's chat template. Training, evaluation and scripts/ask.py use the same functions."""

import re
from functools import cache
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from rag_instruct.errors import UserError
from rag_instruct.logs import logger

# For base models, whose tokenizers have no chat template. The markers are plain words, so no new embeddings are needed.
FALLBACK_CHAT_TEMPLATE = (
    "{{ bos_token or '' }}"
    "{% for message in messages %}{{ '### ' + message['role'].capitalize() + '\n' + message['content'] }}"
    "{{ eos_token if message['role'] == 'assistant' else '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Assistant\n' }}{% endif %}"
)
# Llama-3.2's template writes today's date. This macro fixes the date, so that reruns on other days give the same text.
FIXED_DATE = (
    "{% macro strftime_now(format) %}{{ format | replace('%d', '26') | replace('%b', 'Jul') | replace('%B', 'July')"
    " | replace('%m', '07') | replace('%Y', '2024') }}{% endmacro %}{{ '' }}"
)

# Control tokens as chat templates spell them: <|end|>, <|turn>, <start_of_turn>, <think>, [INST], <<SYS>>. DeepSeek's
# bars are U+FF5C.
CONTROL = re.compile(
    r"<[|\uff5c][^<>]{1,60}>|<[^<>|\uff5c]{1,60}[|\uff5c]>|\[/?[A-Z][A-Z_]+\]|<</?[A-Z]+>>|</?[a-z]\w+>"
)
PROBE = ("qZquestionZq", "qZanswerZq")  # texts that no template contains


def prepared(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Give the tokenizer a chat template and a padding token if it lacks them, and return it.

    Raises UserError if the tokenizer has no end token, because answers could not end.
    """
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"the tokenizer of {tokenizer.name_or_path} has no end token: set eos_token in its tokenizer_config.json"
        )
    if not tokenizer.chat_template:
        logger.warning(
            "%s has no chat template: using a plain template, which a training saves with the model",
            tokenizer.name_or_path,
        )
        tokenizer.chat_template = FALLBACK_CHAT_TEMPLATE
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # any known token will do, because padding has no loss
    return tokenizer


def written(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]) -> str:
    """Return the messages as text, by the chat template. After a user's message, the assistant's turn is opened.

    Raises UserError if the template leaves out the messages' texts.
    """
    return _rendered(tokenizer, messages, _takes_parts(tokenizer, tokenizer.get_chat_template()))


def _rendered(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]], in_parts: bool) -> str:
    given: Any = [
        {**message, "content": [{"type": "text", "text": message["content"]}] if in_parts else message["content"]}
        for message in messages
    ]
    text = tokenizer.apply_chat_template(
        given,
        chat_template=FIXED_DATE + tokenizer.get_chat_template(),
        tokenize=False,
        add_generation_prompt=messages[-1]["role"] == "user",
    )
    return str(text)


@cache
def _takes_parts(tokenizer: PreTrainedTokenizerBase, template: str) -> bool:
    """Return whether the chat template takes a message's content as a list of parts, as those of image models do.

    `template` is the tokenizer's. It is a parameter for the cache, because `prepared` may set it later.
    Raises UserError if the template leaves out the messages' texts.
    """
    for in_parts in (False, True):
        try:
            text = _rendered(tokenizer, _probe(), in_parts)
        except (TemplateError, TypeError):
            continue
        if all(part in text for part in PROBE):
            return in_parts
    raise UserError(
        f"the chat template of {tokenizer.name_or_path} leaves out the texts of messages: set another chat_template in "
        "tokenizer_config.json"
    )


def _probe() -> list[dict[str, str]]:
    return [{"role": "user", "content": PROBE[0]}, {"role": "assistant", "content": PROBE[1]}]


def control_tokens(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str]:
    """Return a pattern of the texts that the model reads as control tokens and not as words.

    These are all special tokens of the tokenizer, and what the chat template writes between the messages. Other added
    tokens, such as Gemma's HTML tags, count only if the template has them.
    """
    return _control_tokens(tokenizer, tokenizer.get_chat_template())


@cache
def _control_tokens(tokenizer: PreTrainedTokenizerBase, template: str) -> re.Pattern[str]:
    added = tokenizer.added_tokens_decoder.values()
    found = {token.content for token in added if token.special or token.content in template}
    found |= {*tokenizer.all_special_tokens, *CONTROL.findall(template)}
    between = re.split("|".join(PROBE), _rendered(tokenizer, _probe(), _takes_parts(tokenizer, template)))
    found |= {line for part in between for line in part.splitlines() if re.search(r"[#\[\]<>|{}]", line)}
    texts = sorted({text.strip() for text in found} - {""}, key=lambda text: (-len(text), text))
    return re.compile("|".join(map(re.escape, texts)))


def without_control_tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    """Return the text with a space inside each control token, so that the model reads it as words."""
    return control_tokens(tokenizer).sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def prompt_ids(tokenizer: PreTrainedTokenizerBase, content: str) -> list[int]:
    """Return the token ids of a prompt with this user message. Only the template writes control tokens."""
    text = written(tokenizer, [{"role": "user", "content": without_control_tokens(tokenizer, content)}])
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
