# Functions of rules/exemplars.smk, from wildcards to files and settings.

from glob import glob

from rag_instruct.dataset.licences import refuse_licences


def exemplar_set(wildcards):
    return config["exemplar_sets"][wildcards.set]


def instruction_files(wildcards):
    """A set's file or the list of its download, or the local files that a pattern means."""
    path = source(exemplar_set(wildcards), wildcards.set, "exemplar_sets")
    return path if Path(path).exists() else sorted(glob(path)) or path


def schema_arguments(wildcards):
    """A schema's name, or the fields of the user's own."""
    settings = exemplar_set(wildcards)
    if "schema" in settings:
        return f"--schema {settings['schema']}"
    return f"--fields {shlex.quote(json.dumps(settings['fields'], sort_keys=True))}"


def of_sets(kind):
    """The table or the summary of each of the data set's exemplar sets."""
    return lambda wildcards: expand(getattr(rules.load_exemplars.output, kind), set=dataset(wildcards)["exemplars"])


def allowed_sets(wildcards):
    """The data set's exemplar sets; refused before anything is made of them when a licence is forbidden."""
    with readable_errors():
        refuse_licences(config, wildcards.dataset)
    return of_sets("table")(wildcards)
