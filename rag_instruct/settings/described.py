"""Describe a data set by its settings, for its card. Each plan does this, so nothing slow is imported here."""

import json
from typing import Any

from rag_instruct.settings import Settings


def described(config: Settings, name: str) -> dict[str, Any]:
    """Return the settings that a data set's card shows."""
    dataset = config["datasets"][name]
    teacher = config["teachers"][dataset["teacher"]]
    return {
        "corpus": dataset["corpus"],
        "encoder": _model(config, config["encoders"][dataset["encoder"]]),
        **_retrieval(dataset),
        "exemplars drawn": ", ".join(f"{count:,} of {part}" for part, count in dataset["exemplars"].items()),
        "exemplars filtered by": dataset["exemplar_filter"],
        "decontaminated against": ", ".join(dataset["decontaminate"]) or "none",
        "teacher": f"{teacher['model']}, sampling {json.dumps(teacher['sampling'], sort_keys=True)}",
        "prompts": dataset["prompts"],
        "imitates exemplars": "yes" if dataset["simulate_instructions"] else "no",
        "documents of a row": dataset["documents"] or "source documents only",
        "noise documents": (_noise(dataset["noise"]) if dataset["documents"] else "none"),
        "seed": dataset["seed"],
    }


def _model(config: Settings, encoder: Settings) -> str:
    """Return the name of an encoder's model, which weights or an endpoint have."""
    found: str = config["teachers"][encoder["teacher"]]["model"] if "teacher" in encoder else encoder["model"]
    return found


def _retrieval(dataset: Settings) -> dict[str, str]:
    """Return how passages were found, if it was not by the encoder alone."""
    asked, rerank = dataset["retriever"], dataset.get("rerank")
    said = ", ".join(f"{search}: {name}" for search, name in asked.items()) if isinstance(asked, dict) else asked
    reranked = f"; {', '.join(rerank['searches'])} reranked by {rerank['model']}" if rerank else ""
    return {"retriever": said + reranked} if (said, reranked) != ("dense", "") else {}


def _noise(noise: Settings) -> str:
    window = f"from ranks {noise['beyond'] + 1} to {noise['depth']}"
    hard = f"from ranks up to {noise['beyond']}, without the answer's words"
    return {"window": window, "hard": hard, "random": "random", "mixed": f"mixed: {hard}; {window}; random"}[
        noise["choose"]
    ]
