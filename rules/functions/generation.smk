# Functions of rules/generation.smk, from wildcards to files and settings.


def contestant(wildcards):
    return config["models"][wildcards.model]


def contexts(wildcards):
    """A file of documents that somebody retrieved for the benchmark already, or nothing."""
    return dataset(wildcards)["evaluation"]["contexts"].get(wildcards.benchmark, [])


def needs_search(wildcards):
    """Whether a benchmark's documents are searched: it has none of its own, and no file has them."""
    kind = facts(wildcards.benchmark, config["benchmarks"][wildcards.benchmark])["kind"]
    return kind != "own_context" and not contexts(wildcards)


def run_of_benchmark(wildcards):
    if not needs_search(wildcards):
        return []
    return f"results/{wildcards.dataset}/search/{EVALUATION}{wildcards.benchmark}.parquet"


def passages_of_benchmark(wildcards):
    if not needs_search(wildcards):
        return []
    settings = dataset(wildcards)
    return "results/corpora/{corpus}/passages.arrow".format(**{**settings, **settings["evaluation"]})


def documents_of_given(wildcards):
    """The documents that a model sees, or none."""
    return rules.gather_documents.output if wildcards.given == "with_documents" else []


def weights(wildcards):
    """The folder that a recipe's training makes, as an input; other weights lie outside of the graph."""
    made = contestant(wildcards).get("recipe")
    return f"results/{wildcards.dataset}/models/{made}" if made else []


def place_of_weights(wildcards):
    return weights(wildcards) or contestant(wildcards)["model"]


def named(kind):
    """The models that are given by one of these keys."""
    return one_of(name for name, model in config["models"].items() if kind & model.keys())
