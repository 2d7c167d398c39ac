# Functions for rules/money.smk: they look up files and settings by wildcards.

import time

from rag_instruct.report.beside import state_of_outputs


def judged_exemplars(wildcards):
    """Return the files of exemplars that a paid teacher filtered, or none if the heuristic did."""
    if dataset(wildcards)["exemplar_filter"] == "heuristic":
        return []
    return [f"results/{wildcards.dataset}/exemplars/{part}.jsonl" for part in ("kept", "dropped")]


def own_prices(wildcards):
    """Return the prices of teachers in config.yaml. They replace those of the price file."""
    teachers = config["teachers"].items()
    prices = {name: [teacher["model"], teacher["price"]] for name, teacher in teachers if "price" in teacher}
    return json.dumps(prices, sort_keys=True)
