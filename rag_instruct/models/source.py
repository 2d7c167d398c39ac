"""Find the files of a model."""

from importlib.util import find_spec
from pathlib import Path

from rag_instruct.errors import UserError


def model_source(name: str) -> str:
    """Return a folder or hub id unchanged; `package:module/folder` is a folder inside an installed package."""
    if not name.startswith("package:"):
        return name
    module, _, inside = name.removeprefix("package:").partition("/")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise UserError(
            f"model {name!r}: the Python package {module!r} is not installed: pip install -r requirements.txt"
        )
    return str(Path(spec.origin).parent / inside)
