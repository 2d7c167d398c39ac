# Functions for rules/scores.smk: they look up files and settings by wildcards.


def evaluation_of(wildcards):
    """Return the settings of the data set's evaluation. Exit if it names no benchmark or no model."""
    evaluation = dataset(wildcards)["evaluation"]
    for key in ("benchmarks", "models"):
        if not evaluation[key]:
            with readable_errors():
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
