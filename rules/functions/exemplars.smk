# Functions for rules/exemplars.smk: they look up files and settings by wildcards.

from glob import glob

from rag_instruct.dataset.licences import refuse_licences


def exemplar_set(wildcards):
    return config["exemplar_sets"][wildcards.set]


def instruction_files(wildcards):
    """Return the set's file, the list of its download, or the local files that match its pattern."""
    path = source(exemplar_set(wildcards), wildcards.set, "exemplar_sets")
    return users_files([path] if Path(path).exists() else sorted(glob(path)) or [path])


def schema_arguments(wildcards):
    """Return the arguments with the schema's name, or with the user's own fields."""
    settings = exemplar_set(wildcards)
    if "schema" in settings:
        return f"--schema {settings['schema']}"
    return f"--fields {shlex.quote(json.dumps(settings['fields'], sort_keys=True))}"


def of_sets(kind):
    """Return a function: the table or summary of each of the data set's exemplar sets."""
    return lambda wildcards: expand(getattr(rules.load_exemplars.output, kind), set=dataset(wildcards)["exemplars"])


def allowed_sets(wildcards):
    """Return the tables of the data set's exemplar sets. Refuse forbidden licences before anything runs."""
    with readable_errors():
        refuse_licences(config, wildcards.dataset)
    return of_sets("table")(wildcards)


def question_field(wildcards):
    """Return the field of a benchmark's file that has its questions."""
    settings = config["benchmarks"][wildcards.benchmark]
    return settings.get("fields", {}).get("question", settings["question"])
