# Functions for rules/scores.smk: they look up files and settings by wildcards.


@readable_errors()
def evaluation_of(wildcards):
    """Return the settings of the data set's evaluation. Exit if it names no benchmark or no model."""
    evaluation = dataset(wildcards)["evaluation"]
    for key in ("benchmarks", "models"):
        if not evaluation[key]:
            raise UserError(
                f"config.yaml: datasets.{wildcards.dataset}.evaluation.{key} is empty: name at least one of `{key}`"
            )
    return evaluation


def of_benchmarks(pattern):
    """Return a function: the paths that match `pattern`, one for each benchmark of the evaluation."""
    return lambda wildcards: expand(pattern, benchmark=evaluation_of(wildcards)["benchmarks"], allow_missing=True)


def of_evaluation(pattern):
    """Return a function: paths for each benchmark and model, with and without documents, in config.yaml's order."""

    def files(wildcards):
        evaluation = evaluation_of(wildcards)
        ways = GIVEN if evaluation["closed_book"] else GIVEN[:1]
        return expand(
            pattern, benchmark=evaluation["benchmarks"], model=evaluation["models"], given=ways, allow_missing=True
        )

    return files


def evaluation_described(wildcards):
    return json.dumps(evaluated(config, wildcards.dataset))


@readable_errors()
def compared_benchmarks(wildcards):
    """Return the benchmarks whose documents are searched. Exit if there are none."""
    named = dataset(wildcards)["evaluation"]["benchmarks"]
    found = [name for name in named if facts(name, config["benchmarks"][name])["kind"] != "own_context"]
    if not found:
        raise UserError(
            f"config.yaml: datasets.{wildcards.dataset}.evaluation.benchmarks: no benchmark whose documents are "
            "searched: name at least one of `benchmarks`"
        )
    return found


def compared(pattern):
    """Return a function: the paths that match `pattern`, one for each benchmark whose documents are searched."""
    return lambda wildcards: expand(pattern, benchmark=compared_benchmarks(wildcards))


def compared_runs(wildcards):
    """Return the runs of the retrievers in config.yaml, or else of the data set's own steps, for each benchmark."""
    settings = dataset(wildcards)
    found = []
    for name in compared_benchmarks(wildcards):
        queries = EVALUATION + name
        ways = compared_retrievers(settings, queries)
        found += expand(run_made_by("{way}"), dataset=wildcards.dataset, queries=queries, way=ways)
    return found


def compared_labels(wildcards):
    names = compared_benchmarks(wildcards)
    return json.dumps({name: facts(name, config["benchmarks"][name])["label"] for name in names})
