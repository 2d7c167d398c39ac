# Functions of rules/retrieval.smk, from wildcards to files and settings.

# Runs that are given instead of searched.
GIVEN_RUNS = [
    f"{name}(?=/search/{queries}[.])" for name, settings in config["datasets"].items() for queries in settings["runs"]
]


def tested(wildcards):
    """The benchmark whose questions are the queries, or nothing."""
    return wildcards.queries.removeprefix(EVALUATION) if wildcards.queries.startswith(EVALUATION) else ""


def searched(wildcards):
    """The corpus and the encoder: the data set's, or for a benchmark's questions its evaluation's."""
    settings = dataset(wildcards)
    return {**settings, **(settings["evaluation"] if tested(wildcards) else {})}


def query_file(wildcards):
    if benchmark := tested(wildcards):
        return f"results/{wildcards.dataset}/evaluation/{benchmark}/queries.jsonl"
    name = "exemplars/kept" if wildcards.queries == "exemplars" else f"pairs/{wildcards.queries}"
    return f"results/{wildcards.dataset}/{name}.jsonl"


def depth(wildcards):
    settings = dataset(wildcards)
    if tested(wildcards):
        return settings["evaluation"]["documents"]
    return settings["source_depth"] if wildcards.queries == "exemplars" else settings["noise"]["depth"]


def searched_file(name):
    return lambda wildcards: f"results/corpora/{searched(wildcards)['corpus']}/{name}"


def vectors_file(name):
    return lambda wildcards: f"results/corpora/{{corpus}}/{{encoder}}/{name}".format(**searched(wildcards))


def given_run(wildcards):
    return dataset(wildcards)["runs"][wildcards.queries]


def all_shards(wildcards):
    return expand(
        rules.search_shard.output,
        shard=numbers(config["corpora"][searched(wildcards)["corpus"]]["shards"]),
        allow_missing=True,
    )
