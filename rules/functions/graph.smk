# Functions for rules/graph.smk: they look up files and settings by wildcards.

from rag_instruct.settings import known


def pictured(wildcards):
    """Return the final files of a data set, whose graph the picture shows."""
    evaluation = dataset(wildcards)["evaluation"]
    pages = ["evaluation.html"] if evaluation["benchmarks"] and evaluation["models"] else []
    return [f"results/{wildcards.dataset}/{name}" for name in ["hub/README.md", "report.html", *pages]]


def refuse_unknown_dataset(wildcards):
    """Exit with a message that the data set is unknown. Snakemake would only say that no rule makes the file."""
    with readable_errors():
        known(wildcards.unknown, config["datasets"], f"results/{wildcards.unknown}{wildcards.end}", "datasets")
