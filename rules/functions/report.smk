# Functions for rules/report.smk: they look up files and settings by wildcards.

from rag_instruct.report.beside import state_beside


def own_recipes(wildcards):
    """Return the recipes of the models that are trained on the data set."""
    models = (config["models"][name] for name in dataset(wildcards)["evaluation"]["models"])
    return [model["recipe"] for model in models if "recipe" in model]


def recipe_of_lengths(wildcards):
    """Return the recipe whose `max_length` the report compares rows with: the data set's first one, or a default."""
    return own(f"resources/recipes/{[*own_recipes(wildcards), 'llama_3_1_8b'][0]}.yaml")


def names_of_logs(wildcards):
    """Return the names that occur in logs of the data set's jobs, and the names in other logs."""
    settings = dataset(wildcards)
    mine = [wildcards.dataset, settings["corpus"], *settings["exemplars"], *settings["decontaminate"]]
    every = [name for part in ("datasets", "corpora", "exemplar_sets", "benchmarks") for name in config[part]]
    return json.dumps({"mine": mine, "others": sorted(set(every) - set(mine))})
