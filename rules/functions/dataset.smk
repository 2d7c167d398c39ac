# Functions for rules/dataset.smk: they look up files and settings by wildcards.


def measuring(wildcards):
    """Return the settings of the model that measures the rows' bits."""
    return config["models"][setting("evidence.model")(wildcards)]
