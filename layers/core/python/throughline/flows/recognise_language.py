"""Guess the language of a message among those an account serves."""

from collections.abc import Sequence
from functools import cache
from typing import Any

FAVOUR = 20
ENOUGH_WORDS = 4  # below that a guess is worth less than what the conversation or the account says
ENOUGH_LETTERS = 8  # of those that are written without spaces between words
WITHOUT_SPACES = "\u0e00"  # Thai is the first of them in Unicode; Chinese and Japanese follow


def recognise_language(text: str | None, told: str | None, served: Sequence[str]) -> str | None:
    """Return one of `served` (ISO 639-1), or None when nothing speaks for any of them.

    The text decides if it is long enough; otherwise what the provider told about the customer (BCP 47).
    """
    if len(served) < 2:  # noqa: PLR2004 - one language needs no guess
        return served[0] if served else None
    if text and _is_long_enough(text):
        guess = _guess(text, tuple(served))
        if guess:
            return guess
    short = _short(told or "")
    return short if short in served else None


def _is_long_enough(text: str) -> bool:
    unspaced = sum(letter >= WITHOUT_SPACES and letter.isalpha() for letter in text)
    return len(text.split()) >= ENOUGH_WORDS or unspaced >= ENOUGH_LETTERS


def _guess(text: str, served: tuple[str, ...]) -> str | None:
    from langdetect.lang_detect_exception import LangDetectException  # noqa: PLC0415 - 40 ms that one language never pays

    detector = _detectors().create()
    # The served ones are likelier, not certain: what speaks clearly for another language is no guess at all.
    languages = _detectors().get_lang_list()
    detector.set_prior_map({name: FAVOUR if _short(name) in served else 1 for name in languages})
    detector.append(text)
    try:
        guess = _short(detector.detect())
    except LangDetectException:  # no letters in it
        return None
    return guess if guess in served else None


def _short(language: str) -> str:
    """Return the language alone; the detector knows two scripts of Chinese (``zh-cn``, ``zh-tw``)."""
    return language.partition("-")[0].lower()


@cache
def _detectors() -> Any:
    from langdetect import detector_factory  # noqa: PLC0415

    detector_factory.DetectorFactory.seed = 0  # the same text, the same answer
    # One of our own: the library's has no way to set priors, and others find it while it is still being loaded.
    factory = detector_factory.DetectorFactory()
    factory.load_profile(detector_factory.PROFILES_DIRECTORY)
    return factory
