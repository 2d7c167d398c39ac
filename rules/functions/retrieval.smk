# Functions for rules/retrieval.smk: they look up files and settings by wildcards.

QUERIES = ["exemplars", FIRST_DOCUMENTS, *PARADIGMS, REFILL, *(EVALUATION + name for name in config["benchmarks"])]
FEW_QUERIES = 300  # a job embeds or searches this many in less time than it takes to start
LISTED = 100  # hits per query of a run that others are made from, and of runs that retrieval.md compares


def tested(wildcards):
    """Return the benchmark whose questions are the queries, or an empty text for other queries."""
    return wildcards.queries.removeprefix(EVALUATION) if wildcards.queries.startswith(EVALUATION) else ""


def searched(wildcards):
    """Return the data set's settings. For a benchmark's questions, `evaluation` may name another corpus and encoder."""
    settings = dataset(wildcards)
    return {**settings, **(settings["evaluation"] if tested(wildcards) else {})}


def encoder_of_queries(wildcards):
    return config["encoders"][searched(wildcards)["encoder"]]


def query_file(wildcards):
    if benchmark := tested(wildcards):
        return f"results/{wildcards.dataset}/evaluation/{benchmark}/queries.jsonl"
    if wildcards.queries == FIRST_DOCUMENTS:
        return rules.choose_first_documents.output[0].format(dataset=wildcards.dataset)
    name = "exemplars/kept" if wildcards.queries == "exemplars" else f"pairs/{wildcards.queries}"
    return f"results/{wildcards.dataset}/{name}.jsonl"


def threads_of_queries(wildcards):
    """Return the threads of a job that embeds or searches queries: one in a small data set, whose jobs run together."""
    settings = dataset(wildcards)
    queries = sum(settings["exemplars"].values()) + sum(wanted(settings).values())
    return 1 if queries <= FEW_QUERIES and not tested(wildcards) else 4


def query_field(wildcards):
    return "instruction" if wildcards.queries == "exemplars" else "question"


def depth(wildcards):
    settings = dataset(wildcards)
    if tested(wildcards):
        return settings["evaluation"]["documents"]
    if wildcards.queries == FIRST_DOCUMENTS:
        return 1  # a small corpus has fewer hits than `listed` asks for
    return settings["source_depth"] if wildcards.queries == "exemplars" else settings["noise"]["depth"]


def later_depth(wildcards):
    """Return the depth of the search after the paid stage, so that a corpus that is too small is refused before it."""
    return 0 if tested(wildcards) else setting("noise.depth")(wildcards)


def searched_file(name):
    return lambda wildcards: f"results/corpora/{searched(wildcards)['corpus']}/{name}"


def vectors_file(name):
    return lambda wildcards: f"results/corpora/{{corpus}}/{{encoder}}/{name}".format(**searched(wildcards))


def given_run(wildcards):
    return dataset(wildcards)["runs"][wildcards.queries]


def shards_of(pattern):
    """Return a function: the paths that match `pattern`, one for each shard of the searched corpus."""

    def paths(wildcards):
        corpus = searched(wildcards)["corpus"]
        shards = numbers(config["corpora"][corpus]["shards"])
        return expand(pattern, corpus=corpus, shard=shards, allow_missing=True)

    return paths


# The ways in which runs are made. A run's path has the wildcard `way`: "" for the run that later stages read, and
# /dense, /bm25, /hybrid, /given or /reranked for a run that is fused, reranked or compared.


def made_by(way):
    """Return the wildcard constraints of a rule that makes runs in this way.

    The rule may make search/<queries>/<way> for every data set, and search/<queries>, which later stages read, only
    where the way is the last step.
    """
    chosen = where(lambda settings, queries: steps(settings, queries)[-1] == way, "[.]")
    return {"way": f"(?:/{way})?", "dataset": one_of([f"(?:{one_of(config['datasets'])})(?=/search/[^/]+/)", *chosen])}


def encoded_by(encoders):
    """Return constraints for a rule that makes the vectors of queries with these encoders.

    The vectors of first documents are those of passages: no encoder makes them.
    """

    def holds(settings, queries):
        return queries != FIRST_DOCUMENTS and encoder_and_corpus(settings, queries)[0] in encoders

    return {"dataset": one_of(where(holds, "/"))}


def where(holds, following):
    """Return patterns of the data sets, each with its queries for which `holds(settings, queries)`.

    `following` is the pattern of what follows the queries in a path.
    """
    own = {}
    for name, settings in config["datasets"].items():
        found = [queries for queries in QUERIES if holds(settings, queries)]
        own.setdefault("|".join(found), []).append(name)
    return [f"(?:{one_of(names)})(?=/search/(?:{queries}){following})" for queries, names in own.items() if queries]


def run_made_by(way):
    """Return a pattern of the run that another rule fuses, reranks or compares."""
    return f"results/{{dataset}}/search/{{queries}}/{way}.parquet"


def first_run(wildcards):
    """Return the run that is reranked."""
    return run_made_by(steps(dataset(wildcards), wildcards.queries)[0])


def reranker_arguments(wildcards):
    settings = dataset(wildcards).get("rerank", {})
    names = ("model", "first", "max_length", "revision", "precision")
    found = [(f"--{name.replace('_', '-')}", str(settings[name])) for name in names if name in settings]
    return shlex.join(part for pair in found for part in pair)


def listed(wildcards):
    """Return the most hits per query of a run; a small corpus has fewer. The run that later stages read has `depth`."""
    if wildcards.queries == FIRST_DOCUMENTS:
        return dataset(wildcards)["multi_documents"]["depth"]
    if not wildcards.way:
        return depth(wildcards)
    return max(depth(wildcards), LISTED, dataset(wildcards).get("rerank", {}).get("first", 0))


def found_in_shard(wildcards):
    """Return how many hits a search of a shard returns: more than `depth` if other runs are made from them."""
    settings = dataset(wildcards)
    if wildcards.queries == FIRST_DOCUMENTS:
        return settings["multi_documents"]["depth"]
    if tested(wildcards) or steps(settings, wildcards.queries) not in (["dense"], ["bm25"]):
        return max(depth(wildcards), LISTED, settings.get("rerank", {}).get("first", 0))
    return depth(wildcards)
