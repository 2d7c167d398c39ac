"""Detect the language of a text with py3langid."""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from rag_instruct.errors import UserError

SURE = 0.9  # the text is in another language if the probability of that language is at least this
UNLIKELY = 0.001  # or if the probability of the wanted language is less than this
ENOUGH = 2000  # characters of the text that we classify


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def language_of(text: str) -> str:
    """Return the most probable language (ISO 639-1) of the text."""
    found: str = _identifier().classify(text[:ENOUGH])[0]
    return found


def other_language(text: str, wanted: str) -> str | None:
    """Return the language (ISO 639-1) of the text if it is surely not `wanted`; otherwise None.

    UNLIKELY is for short texts: close languages such as Spanish and Portuguese share their probability.
    """
    if wanted not in _identifier().nb_classes:
        raise UserError(f"config.yaml: language: {wanted!r} is not a known language: give two letters, such as en")
    found: str
    found, sure = _identifier().classify(text[:ENOUGH])
    if found == wanted:
        return None
    return found if sure >= SURE or dict(_identifier().rank(text[:ENOUGH]))[wanted] < UNLIKELY else None
