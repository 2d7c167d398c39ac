# Functions for rules/dataset.smk: they look up files and settings by wildcards.


def measuring(wildcards):
    """Return the settings of the model that measures the rows' bits."""
    return config["models"][setting("evidence.model")(wildcards)]


def rows_wanted(wildcards):
    """Return how many rows each paradigm shall have, as arguments."""
    return " ".join(f"{name}={rows}" for name, rows in wanted(dataset(wildcards)).items())


def rows_may_drop(settings):
    """Say whether evidence or verification may drop or relabel a row, so that a surplus row takes its place."""
    return settings["evidence"]["failing"] != "keep" or bool(settings["verification"]["share"])
