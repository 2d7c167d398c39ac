# Functions of rules/evaluation.smk, from wildcards to files and settings.


def ids_of_test(wildcards):
    """The file that names a benchmark's questions of the test, where another has them all."""
    settings = config["benchmarks"][wildcards.benchmark]
    return source(settings["ids"], wildcards.benchmark, "benchmarks") if "ids" in settings else []
