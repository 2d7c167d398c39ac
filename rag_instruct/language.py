"""The language of a text, by py3langid."""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

SURE = 0.9  # probability of another language, below which a text passes
ENOUGH = 2000  # characters that tell a language


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def other_language(text: str, wanted: str) -> str | None:
    """The language (ISO 639-1) of a text that is surely not of the wanted one."""
    found, sure = _identifier().classify(text[:ENOUGH])
    return found if found != wanted and sure >= SURE else None
