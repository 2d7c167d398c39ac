# Functions of rules/report.smk, from wildcards to files and settings.

from rag_instruct.report.beside import state_beside


def own_recipes(wildcards):
    """The recipes by which the data set's own models are trained."""
    models = (config["models"][name] for name in dataset(wildcards)["evaluation"]["models"])
    return [model["recipe"] for model in models if "recipe" in model]


def recipe_of_lengths(wildcards):
    """The recipe by whose limit rows are measured. Without one of its own, a data set has the usual limit."""
    return own(f"resources/recipes/{[*own_recipes(wildcards), 'llama_3_1_8b'][0]}.yaml")


def names_of_logs(wildcards):
    """What the logs of a data set's jobs are named by, and what other logs are."""
    settings = dataset(wildcards)
    mine = [wildcards.dataset, settings["corpus"], *settings["exemplars"], *settings["decontaminate"]]
    every = [name for part in ("datasets", "corpora", "exemplar_sets", "benchmarks") for name in config[part]]
    return json.dumps({"mine": mine, "others": sorted(set(every) - set(mine))})
