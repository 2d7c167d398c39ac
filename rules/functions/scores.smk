# Functions of rules/scores.smk, from wildcards to files and settings.


def evaluation_of(wildcards):
    """The data set's evaluation, which has to name something."""
    evaluation = dataset(wildcards)["evaluation"]
    for key in ("benchmarks", "models"):
        if not evaluation[key]:
            with readable_errors():
                raise UserError(
                    f"config.yaml: datasets.{wildcards.dataset}.evaluation.{key} is empty: name at least one of `{key}`"
                )
    return evaluation


def of_benchmarks(pattern):
    """A file of each benchmark of the evaluation."""
    return lambda wildcards: expand(pattern, benchmark=evaluation_of(wildcards)["benchmarks"], allow_missing=True)


def of_evaluation(pattern):
    """A file of each benchmark, model and way of asking, in the order of config.yaml."""

    def files(wildcards):
        evaluation = evaluation_of(wildcards)
        ways = GIVEN if evaluation["closed_book"] else GIVEN[:1]
        return expand(
            pattern, benchmark=evaluation["benchmarks"], model=evaluation["models"], given=ways, allow_missing=True
        )

    return files


def evaluation_described(wildcards):
    return json.dumps(evaluated(config, wildcards.dataset))
