# Functions for rules/corpus.smk and rules/retrieval.smk. They look up files and settings by wildcards.

from rag_instruct.corpus.files import LeftOut, documents_of
from rag_instruct.retrieval.endpoint_settings import EndpointEncoderSettings
from rag_instruct.settings.sources import remote_files

# Patterns for corpora with published vectors for an encoder. The others are embedded here.
PUBLISHED = [
    f"{name}(?=/{encoder}/)"
    for name, corpus_settings in config["corpora"].items()
    for encoder in corpus_settings.get("embeddings", {})
]


ENCODERS_ELSEWHERE = [name for name, encoder in config["encoders"].items() if "teacher" in encoder]
ENCODERS_HERE = [name for name in config["encoders"] if name not in ENCODERS_ELSEWHERE]


def corpus(wildcards):
    return config["corpora"][wildcards.corpus]


def downloadable(wildcards):
    """Return the settings of a download. The wildcard `file` is the name of its address."""
    files = remote_files({wildcards.section: {wildcards.name: config[wildcards.section][wildcards.name]}})
    return next(file for file in files if file_name(file["url"]) == wildcards.file)


@readable_errors()
def passage_files(wildcards):
    """Return the corpus's file, or all documents of its folder, so that Snakemake notices an edit of one."""
    path = source(corpus(wildcards)["passages"], wildcards.corpus)
    return users_files([str(file) for file in documents_of(Path(path), LeftOut())] if Path(path).is_dir() else [path])


def payer_of_corpus(wildcards, output):
    return payer(config, wildcards.corpus, wildcards.encoder)


def counted(wildcards):
    """Return the arguments with the encoder whose tokens are counted in place of words, or none."""
    name = corpus(wildcards)["passages"].get("tokens_of")
    encoder = config["encoders"][name] if name else {}
    given = {"--tokens-of": encoder.get("model"), "--revision": encoder.get("revision")}
    return shlex.join(part for flag, value in given.items() if value for part in (flag, value))


def published_source(wildcards):
    """Return the path of the tar or folder of published vectors."""
    return source(corpus(wildcards)["embeddings"][wildcards.encoder], wildcards.corpus)


def published_file(wildcards):
    path = published_source(wildcards)
    return f"{path}/passages_{wildcards.shard}" if Path(path).is_dir() else path


@readable_errors()
def index_factory(wildcards):
    """Return faiss's factory string of the corpus's index. Exit if the corpus is searched exactly."""
    factory = corpus(wildcards)["index"]
    if factory == "exact":
        raise UserError(
            f"config.yaml: corpora.{wildcards.corpus}.index is `exact`, which needs no index: give a factory string "
            "of faiss, such as IVF4096,PQ96"
        )
    return factory


def encoder_arguments(name):
    encoder = config["encoders"][name]
    arguments = ["--model", encoder["model"], "--max-length", str(encoder["max_length"])]
    arguments += ["--normalize"] if encoder["normalize"] else []
    for key in ("revision", "query_prefix", "passage_prefix", "dimension", "precision"):
        if key in encoder and encoder[key] != "float32":  # the default; older versions did not name it
            arguments += [f"--{key.replace('_', '-')}", str(encoder[key])]
    return shlex.join(arguments)


def endpoint_arguments(name, kind):
    """Return how an encoder behind an endpoint is asked for vectors of a kind of text, `query` or `passage`."""
    settings = EndpointEncoderSettings.of(config["encoders"][name], kind)
    arguments = ["--teacher", settings.teacher, "--prefix", settings.prefix, "--parameters", settings.parameters]
    arguments += ["--normalize"] if settings.normalize else []
    arguments += ["--dimension", str(settings.dimension)] if settings.dimension else []
    return shlex.join(arguments)
