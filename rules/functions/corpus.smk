# Functions of rules/corpus.smk, from wildcards to files and settings.

from rag_instruct.corpus.readers import text_files
from rag_instruct.download import remote_files

# Corpora whose vectors for an encoder are published; the others are embedded here.
PUBLISHED = [
    f"{name}(?=/{encoder}/)"
    for name, corpus_settings in config["corpora"].items()
    for encoder in corpus_settings.get("embeddings", {})
]


def corpus(wildcards):
    return config["corpora"][wildcards.corpus]


def downloadable(wildcards):
    """What is known of a download, by the end of its address."""
    files = remote_files({wildcards.section: {wildcards.name: config[wildcards.section][wildcards.name]}})
    return next(file for file in files if file["url"].rsplit("/", 1)[-1] == wildcards.file)


def passage_files(wildcards):
    """The corpus's file, or all of a folder's text files, so that an edit of one is noticed."""
    path = source(corpus(wildcards)["passages"], wildcards.corpus)
    return [str(file) for file in text_files(Path(path))] if Path(path).is_dir() else path


def published_source(wildcards):
    """The tar or the folder of published vectors."""
    return source(corpus(wildcards)["embeddings"][wildcards.encoder], wildcards.corpus)


def published_file(wildcards):
    path = published_source(wildcards)
    return f"{path}/passages_{wildcards.shard}" if Path(path).is_dir() else path
