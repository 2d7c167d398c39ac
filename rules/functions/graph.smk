# Functions of rules/graph.smk, from wildcards to files and settings.

from rag_instruct.settings import known


def pictured(wildcards):
    """All that the graph makes of a data set: what a picture of it leads to."""
    evaluation = dataset(wildcards)["evaluation"]
    pages = ["evaluation.html"] if evaluation["benchmarks"] and evaluation["models"] else []
    return [f"results/{wildcards.dataset}/{name}" for name in ["hub/README.md", "report.html", *pages]]


def refuse_unknown_dataset(wildcards):
    """Say that a name is unknown, where Snakemake would say that no rule makes the file."""
    with readable_errors():
        known(wildcards.unknown, config["datasets"], f"results/{wildcards.unknown}{wildcards.end}", "datasets")
