"""A tiny Llama with a tokenizer of its own and the chat templates of three model families, for tests of training."""

import json

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

# In the test's own process: threads cost a tiny model more than they gain, most of all beside others.
torch.set_num_threads(1)

# What the families' templates write, less tools and dates.
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
CHATML = (
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
FAMILIES = {
    "llama-3": (LLAMA_3, "<|begin_of_text|>", "<|eot_id|>"),
    "qwen-2.5": (CHATML, None, "<|im_end|>"),
    "smollm2": (CHATML.replace("a helpful assistant", "SmolLM"), "<|im_start|>", "<|im_end|>"),
    "a base model": (None, "<s>", "</s>"),
}
SPECIAL = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
SPECIAL += ["<|im_start|>", "<|im_end|>", "<s>", "</s>"]


def tokenizer(family, texts=()):
    template, bos, eos = FAMILIES[family]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=600, special_tokens=SPECIAL, initial_alphabet=alphabet)
    )
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token=bos, eos_token=eos, chat_template=template)


def model_folder(folder, family="llama-3", positions=512):
    """A folder as the hub has them, its weights drawn by a seed."""
    words = tokenizer(family, ["What is the capital of France? Paris is the capital of France."])
    set_seed(0)
    config = LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=positions, tie_word_embeddings=True,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def row(number, words=12, documents=5, sources=1):
    """A row of our fields; every text in it is its own."""
    text = [
        f"Fact {number}.{place}: " + " ".join(f"w{number}x{place}x{i}" for i in range(words))
        for place in range(documents)
    ]
    passages = [
        {
            "id": str(place),
            "role": "source" if place % documents < sources else "noise",
            "rank": place + 1,
            "score": 0.5,
        }
        for place in range(documents)
    ]
    turn = number % documents
    return {
        "question": f"What is fact number {number}?",
        "answer": f"It is answer {number}, « naïve » & so on.",
        "documents": text[turn:] + text[:turn],
        "passages": passages[turn:] + passages[:turn],
        "id": f"row-{number}",
    }


def write_rows(path, count=20):
    """A data set of short rows, which train in a second."""
    path.write_text("".join(json.dumps(row(number, words=1, documents=2)) + "\n" for number in range(count)))
