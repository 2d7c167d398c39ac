# Functions for rules/linked_documents.smk: they look up files and settings by wildcards.


def linked_quotas(wildcards):
    """Return the rows of the multi-document paradigms by exemplar set, such as multi_doc_answer/alpaca=100."""
    several = [name for name, paradigm in PARADIGMS.items() if paradigm.several]
    return shlex.join(
        f"{name}/{source}={rows}" for name in several for source, rows in quotas(dataset(wildcards), name).items()
    )


def all_vectors(wildcards):
    """Return the vectors of all shards of the corpus."""
    shards = numbers(config["corpora"][dataset(wildcards)["corpus"]]["shards"])
    return expand(vectors_file("shard_{{shard}}.npy")(wildcards), shard=shards)
