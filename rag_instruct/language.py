"""The language of a text, by py3langid."""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from rag_instruct.errors import UserError

SURE = 0.9  # probability of another language, from which on a text is of it
UNLIKELY = 0.001  # probability of the wanted language, below which a text is of another
ENOUGH = 2000  # characters that tell a language


@cache
def _identifier() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def other_language(text: str, wanted: str) -> str | None:
    """The language (ISO 639-1) of a text that is surely not of the wanted one.

    That one language is sure cannot be asked alone: a short text's is shared with its kin, Spanish with Portuguese.
    """
    if wanted not in _identifier().nb_classes:
        raise UserError(f"config.yaml: language: {wanted!r} is none that is known: give its two letters, as in en")
    found: str
    found, sure = _identifier().classify(text[:ENOUGH])
    if found == wanted:
        return None
    return found if sure >= SURE or dict(_identifier().rank(text[:ENOUGH]))[wanted] < UNLIKELY else None
