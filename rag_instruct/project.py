"""Where the project's own files are: Snakefile, rules, scripts, prompts, recipes, templates."""

from pathlib import Path


def root() -> Path:
    """Return the folder of the Snakefile and its resources: the checkout, or their copy in the installed package."""
    package = Path(__file__).resolve().parent
    copy = package / "workflow"
    return copy if copy.is_dir() else package.parent
