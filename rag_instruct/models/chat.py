"""Write conversations with a model's chat template. Training, evaluation and scripts/ask.py use the same functions."""

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
    """Return the messages as text, by the chat template. After a user's message, the assistant's turn is opened."""
    text = tokenizer.apply_chat_template(
        messages,
        chat_template=FIXED_DATE + tokenizer.get_chat_template(),
        tokenize=False,
        add_generation_prompt=messages[-1]["role"] == "user",
    )
    return str(text)


def prompt_ids(tokenizer: PreTrainedTokenizerBase, content: str) -> list[int]:
    """Return the token ids of a prompt with this user message. The template writes the special tokens."""
    text = written(tokenizer, [{"role": "user", "content": content}])
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
