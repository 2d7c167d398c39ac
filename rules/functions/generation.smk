# Functions for rules/generation.smk: they look up files and settings by wildcards.


def contestant(wildcards):
    return config["models"][wildcards.model]


def contexts(wildcards):
    """Return the user's file of documents for the benchmark, or nothing."""
    return dataset(wildcards)["evaluation"]["contexts"].get(wildcards.benchmark, [])


def needs_search(wildcards):
    """Return whether we search documents: the benchmark has none of its own, and no file has them."""
    kind = facts(wildcards.benchmark, config["benchmarks"][wildcards.benchmark])["kind"]
    return kind != "own_context" and not contexts(wildcards)


def run_of_benchmark(wildcards):
    if not needs_search(wildcards):
        return []
    return f"results/{wildcards.dataset}/search/{EVALUATION}{wildcards.benchmark}.parquet"


def passages_of_benchmark(wildcards):
    if not needs_search(wildcards):
        return []
    return passages_of_evaluation(dataset(wildcards))


def passages_of_evaluation(settings):
    """Return the passages that are searched for benchmarks, which may be of another corpus than the data set's."""
    return "results/corpora/{corpus}/passages.arrow".format(**{**settings, **settings["evaluation"]})


def documents_of_given(wildcards):
    """Return the file of documents that the model sees, or nothing without documents."""
    return rules.gather_documents.output if wildcards.given == "with_documents" else []


def weights(wildcards):
    """Return the folder that a training makes, as an input, or nothing for weights that no rule makes."""
    made = contestant(wildcards).get("recipe")
    return f"results/{wildcards.dataset}/models/{made}" if made else []


def place_of_weights(wildcards):
    return weights(wildcards) or contestant(wildcards)["model"]


def named(kind):
    """Return a pattern of the models that have one of these keys in config.yaml."""
    return one_of(name for name, model in config["models"].items() if kind & model.keys())
