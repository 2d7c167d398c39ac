"""Write conversations by a model's chat template: the same way in training, evaluation and the terminal."""

from transformers import PreTrainedTokenizerBase

from rag_instruct.errors import UserError
from rag_instruct.logs import logger

# For base models, whose tokenizers have none. Plain words need no new embeddings.
FALLBACK_CHAT_TEMPLATE = (
    "{{ bos_token or '' }}"
    "{% for message in messages %}{{ '### ' + message['role'].capitalize() + '\n' + message['content'] }}"
    "{{ eos_token if message['role'] == 'assistant' else '\n\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Assistant\n' }}{% endif %}"
)
# Llama-3.2's template writes today's date; this makes a rerun on another day write the same.
FIXED_DATE = (
    "{% macro strftime_now(format) %}{{ format | replace('%d', '26') | replace('%b', 'Jul') | replace('%B', 'July')"
    " | replace('%m', '07') | replace('%Y', '2024') }}{% endmacro %}{{ '' }}"
)


def prepared(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """Return the tokenizer with a chat template and a padding token that has an embedding.

    Raises UserError if it has no end token: answers could not end.
    """
    if tokenizer.eos_token_id is None:
        raise UserError(f"the tokenizer of {tokenizer.name_or_path} has no end token: set eos_token")
    if not tokenizer.chat_template:
        logger.warning("%s has no chat template: a plain one is used and saved with the model", tokenizer.name_or_path)
        tokenizer.chat_template = FALLBACK_CHAT_TEMPLATE
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token  # padding has no loss, so any known token will do
    return tokenizer


def written(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]) -> str:
    """Write the messages by the tokenizer's template; after a user's message, the answer's turn is opened."""
    text = tokenizer.apply_chat_template(
        messages,
        chat_template=FIXED_DATE + tokenizer.get_chat_template(),
        tokenize=False,
        add_generation_prompt=messages[-1]["role"] == "user",
    )
    return str(text)


def prompt_ids(tokenizer: PreTrainedTokenizerBase, content: str) -> list[int]:
    """Return the ids of a prompt with this user's message. The template writes the special tokens."""
    text = written(tokenizer, [{"role": "user", "content": content}])
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids
