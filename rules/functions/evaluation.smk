# Functions for rules/evaluation.smk: they look up files and settings by wildcards.


def ids_of_test(wildcards):
    """Return the file with the ids of the test questions, or nothing if all questions are for the test."""
    settings = config["benchmarks"][wildcards.benchmark]
    return source(settings["ids"], wildcards.benchmark, "benchmarks") if "ids" in settings else []
