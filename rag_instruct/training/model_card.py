"""Write a fine-tuned model's card in the Hugging Face hub's format: data, recipe, results, package versions."""

from importlib.metadata import version
from typing import Any

import yaml

from rag_instruct.models.source import is_hub_id

LOG, SUMMARY = "training_log.jsonl", "training.json"  # in the model's folder
PACKAGES = ("torch", "transformers", "trl", "accelerate", "deepspeed", "peft")
USE = """
## How to ask it

The training used {styles} prompt styles. Write documents and question in one of these styles, for example:

```
{prompt}
```

In the folder of the project that trained the model, `python -m scripts.ask FOLDER "..."` finds documents, writes such a
prompt and prints the answer. {loaders}. The tokenizer has the chat template.
"""
WHOLE = "vLLM, SGLang and `AutoModelForCausalLM` load the folder"
ADAPTERS = "The folder has only LoRA adapters. peft's `AutoPeftModelForCausalLM` loads adapters and base model"


def versions() -> dict[str, str]:
    """Return the versions of the packages that influence a training's rounding."""
    return {package: version(package) for package in PACKAGES}


def model_card(name: str, summary: dict[str, Any], prompt: str, styles: int) -> str:
    """Return the text of README.md. `summary` is the content of training.json.

    `prompt` is an example prompt, and `styles` the number of prompt styles.
    """
    recipe, counts, data = summary["recipe"], summary["counts"], summary["data_set"]
    adapters = recipe["lora"] and not recipe["merge_lora"]
    header = {
        **({"base_model": recipe["model"]} if is_hub_id(recipe["model"]) else {}),  # the hub refuses other names
        "library_name": "peft" if adapters else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["rag-instruct", "retrieval-augmented-generation", "sft"],
        **({"language": [data["language"]]} if data["language"] else {}),
    }
    losses = summary["validation_loss"]
    validated = f"loss {losses[0]:.3f} before, {losses[-1]:.3f} after" if losses else "not measured"
    facts = [
        f"data set: {data['name']}, sha256 `{data['sha256']}`",
        f"trained on {counts['train']:,} rows: {counts['answer_tokens']:,} answer tokens of {counts['tokens']:,}",
        f"validated on {counts['validation']:,} rows: {validated}",
        f"left out: {counts['too_long']:,} rows too long, {counts['control_tokens']:,} with control tokens in them",
        f"shortened: {counts['rows_shortened']:,} rows, by {counts['noise_documents_dropped']:,} noise documents",
        f"{summary['steps']:,} steps in all, {summary['sequences']:,} sequences in each epoch",
        "log: `training_log.jsonl`",
    ]
    lines = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---",
        f"# {name}",
        f"`{recipe['model']}`, fine-tuned for retrieval-augmented generation on {data['name']} by RAG-Instruct's "
        "method (arXiv 2501.00353), with loss on the answers only.",
        "## Training",
        "\n".join(f"- {fact}" for fact in facts),
        "```yaml\n" + yaml.safe_dump(recipe, sort_keys=False) + "```",
        "Versions: " + ", ".join(f"{package} {number}" for package, number in summary["versions"].items()) + ".",
        USE.format(prompt=prompt, styles=styles, loaders=ADAPTERS if adapters else WHOLE).strip(),
        "Licences and terms of the base model and of the data set apply; see their cards.",
    ]
    return "\n\n".join(lines) + "\n"
