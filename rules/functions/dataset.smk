# Functions for rules/dataset.smk and what follows it. They look up files and settings by wildcards.

from rag_instruct.settings.described import described


def question_vectors(paths):
    """Return a function: the files of the questions' vectors, or none if no filter compares them."""

    def files(wildcards):
        compared = dataset(wildcards)["quality_filters"].get("similar_questions")
        return paths("results/{dataset}/search/{paradigm}/queries.npy")(wildcards) if compared else []

    return files


def verdicts_of(paths):
    """Return a function: the files of the verification's verdicts, or none if no row is verified."""
    found = paths("results/{dataset}/verification/{paradigm}.jsonl")
    return lambda wildcards: found(wildcards) if dataset(wildcards)["verification"]["share"] > 0 else []


def stopped_before_verification(wildcards):
    """Return the file of the rows that a filter stopped. Verdicts must not wait for the refill, which needs them."""
    refill_waits = is_refilled(dataset(wildcards)) and wildcards.paradigm != REFILL
    made_by = rules.filter_before_refill if refill_waits else rules.filter_rows
    return made_by.output.stopped.format(dataset=wildcards.dataset)


def evidence(wildcards):
    """Return the file of the rows' bits, or none if no row is measured."""
    measured = dataset(wildcards)["evidence"]
    return f"results/{wildcards.dataset}/evidence.jsonl" if measured["model"] and measured["rows"] else []


def made_of(wildcards):
    """Return the facts about how the data set is made, for its card and its report."""
    return json.dumps(described(config, wildcards.dataset))


def measuring(wildcards):
    """Return the settings of the model that measures the rows' bits."""
    return config["models"][setting("evidence.model")(wildcards)]


def rows_wanted(wildcards):
    """Return the wanted rows of each paradigm as arguments, such as useless_doc=8000."""
    return " ".join(f"{name}={rows}" for name, rows in wanted(dataset(wildcards)).items())


def rows_may_drop(settings):
    """Return whether evidence or verification may drop or relabel a row, so that a surplus row takes its place."""
    return settings["evidence"]["failing"] != "keep" or bool(settings["verification"]["share"])
