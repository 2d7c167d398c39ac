# Functions of rules/money.smk, from wildcards to files and settings.

import time

from rag_instruct.report.beside import state_of_outputs


def judged_exemplars(wildcards):
    """The exemplars that a teacher judged, which was paid for; none where the heuristic did."""
    if dataset(wildcards)["exemplar_filter"] == "heuristic":
        return []
    return [f"results/{wildcards.dataset}/exemplars/{part}.jsonl" for part in ("kept", "dropped")]


def own_prices(wildcards):
    """The prices of teachers that config.yaml gives, which go before those of the price file."""
    prices = {teacher["model"]: teacher["price"] for teacher in config["teachers"].values() if "price" in teacher}
    return json.dumps(prices, sort_keys=True)
