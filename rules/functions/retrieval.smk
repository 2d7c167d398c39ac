# Functions for rules/retrieval.smk: they look up files and settings by wildcards.

# Patterns for runs that the user gives, so that they are not searched.
GIVEN_RUNS = [
    f"{name}(?=/search/{queries}[.])" for name, settings in config["datasets"].items() for queries in settings["runs"]
]


def tested(wildcards):
    """Return the benchmark whose questions are the queries, or an empty text for other queries."""
    return wildcards.queries.removeprefix(EVALUATION) if wildcards.queries.startswith(EVALUATION) else ""


def searched(wildcards):
    """Return the data set's settings. For a benchmark's questions, `evaluation` may name another corpus and encoder."""
    settings = dataset(wildcards)
    return {**settings, **(settings["evaluation"] if tested(wildcards) else {})}


def query_file(wildcards):
    if benchmark := tested(wildcards):
        return f"results/{wildcards.dataset}/evaluation/{benchmark}/queries.jsonl"
    if wildcards.queries == FIRST_DOCUMENTS:
        return rules.choose_first_documents.output[0].format(dataset=wildcards.dataset)
    name = "exemplars/kept" if wildcards.queries == "exemplars" else f"pairs/{wildcards.queries}"
    return f"results/{wildcards.dataset}/{name}.jsonl"


def depth(wildcards):
    settings = dataset(wildcards)
    if tested(wildcards):
        return settings["evaluation"]["documents"]
    if wildcards.queries == FIRST_DOCUMENTS:
        return settings["multi_documents"]["depth"]
    return settings["source_depth"] if wildcards.queries == "exemplars" else settings["noise"]["depth"]


def or_all(wildcards):
    """Return the option to find all passages of a corpus that has fewer than `depth`. Other searches refuse it."""
    return "--or-all" if wildcards.queries == FIRST_DOCUMENTS else ""


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
