"""What a provider wrote is shown to nobody unmasked."""

import pytest

from throughline.channels._answers import Meaning, Refusal, Verdict, error_for, presentable
from throughline.domain.errors import (
    ConfigurationError,
    ProviderRejectedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    WindowClosedError,
)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (None, None),
        ("", None),
        ("Message too long", "Message too long"),
        ("Number +1 (415) 555-0142 is bad", "Number … is bad"),
        ("971505550142", "…"),
        ("see https://files.example/a?X-Amz-Signature=abc now", "see … now"),
        ("Malformed token EAAG3kslk39skJ39sk20sksl", "Malformed token …"),
        ("write to omar@example.com", "write to …"),
        ("parameter 'body' holds 'where is my order since Monday'", "parameter 'body' holds …"),
        ("code 131 of 4096", "code 131 of 4096"),
        ("two\nlines", "two lines"),
    ],
)
def test_words_lose_what_could_name_somebody_or_open_something(words: str | None, shown: str | None) -> None:
    assert shown == presentable(words)


@pytest.mark.parametrize("words", ["bad text: where is my order", "bad text: where+is+my+order", "where is my o…"])
def test_words_that_quote_what_was_said_are_not_shown_at_all(words: str) -> None:
    assert presentable(words, ["where is my order since Monday"]) is None
    assert presentable("bad text", ["where is my order since Monday", ""]) == "bad text"


def test_a_sermon_is_cut() -> None:
    assert len(presentable("word " * 500) or "") == 200


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ProviderRejectedError),
        (401, ConfigurationError),
        (403, ProviderRejectedError),
        (408, ProviderUnavailableError),
        (429, ProviderThrottledError),
        (500, ProviderUnavailableError),
        (599, ProviderUnavailableError),
    ],
)
def test_without_a_code_the_status_speaks(status: int, expected: type[Exception]) -> None:
    assert isinstance(error_for(Refusal(provider="Somebody", status=status)), expected)


def test_a_code_of_the_providers_own_speaks_louder() -> None:
    refusal = Refusal(provider="Somebody", status=500, code="131047")
    problem = error_for(refusal, Verdict(Meaning.WINDOW_CLOSED, "too late"))
    assert isinstance(problem, WindowClosedError)
    assert ("too late", "131047") == (problem.reason, problem.provider_code)
