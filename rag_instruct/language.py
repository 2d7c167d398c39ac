"""The language of a text, by py3langid."""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from rag_instruct.errors import UserError

SURE = 0.9  # a text is in another language from this probability of it on
UNLIKELY = 0.001  # or below this probability of the wanted language
ENOUGH = 2000  # characters that we look at


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def other_language(text: str, wanted: str) -> str | None:
    """Return the language (ISO 639-1) of a text that is surely not in the wanted one, or None.

    The second bound is for short texts, whose probability is shared among close languages: Spanish and Portuguese.
    """
    if wanted not in _identifier().nb_classes:
        raise UserError(f"config.yaml: language: {wanted!r} is none that is known: give its two letters, as in en")
    found: str
    found, sure = _identifier().classify(text[:ENOUGH])
    if found == wanted:
        return None
    return found if sure >= SURE or dict(_identifier().rank(text[:ENOUGH]))[wanted] < UNLIKELY else None
