"""Guess the language of a message among those an account serves."""

from collections.abc import Sequence
from functools import cache
from typing import Any

FAVOUR = 20
ENOUGH_WORDS = 4  # below that a guess is worth less than what the conversation or the account says


def recognise_language(text: str | None, told: str | None, served: Sequence[str]) -> str | None:
    """Return one of `served` (ISO 639-1), or None when nothing speaks for any of them.

    The text decides if it is long enough; otherwise what the provider told about the customer (BCP 47).
    """
    if len(served) < 2:  # noqa: PLR2004 - one language needs no guess
        return served[0] if served else None
    if text and len(text.split()) >= ENOUGH_WORDS:
        guess = _guess(text, tuple(served))
        if guess:
            return guess
    short = (told or "").partition("-")[0].lower()
    return short if short in served else None


def _guess(text: str, served: tuple[str, ...]) -> str | None:
    from langdetect.lang_detect_exception import LangDetectException  # noqa: PLC0415 - 40 ms that one language never pays

    detector = _detectors().create()
    # The served ones are likelier, not certain: what speaks clearly for another language is no guess at all.
    detector.set_prior_map({language: FAVOUR if language in served else 1 for language in _detectors().get_lang_list()})
    detector.append(text)
    try:
        guess: str = detector.detect()
    except LangDetectException:  # no letters in it
        return None
    return guess if guess in served else None


@cache
def _detectors() -> Any:
    from langdetect import detector_factory  # noqa: PLC0415

    detector_factory.DetectorFactory.seed = 0  # the same text, the same answer
    detector_factory.init_factory()
    return detector_factory._factory  # noqa: SLF001 - its only way to set priors
