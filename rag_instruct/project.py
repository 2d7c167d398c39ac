"""Find the project's own files: Snakefile, rules, scripts, prompts, recipes, templates."""

from pathlib import Path


def root() -> Path:
    """Return the folder of the Snakefile: the checkout, or the copy inside the installed package."""
    package = Path(__file__).resolve().parent
    copy = package / "workflow"
    return copy if copy.is_dir() else package.parent
