from collections.abc import Sequence

import pytest
from langdetect import detector_factory

from throughline.flows.recognise_language import _detectors, recognise_language

SERVED = ("en", "id", "zh", "ja", "th")


@pytest.mark.parametrize(
    ("expected", "text", "told"),
    [
        ("en", "hello there, how are you doing today", None),
        ("id", "halo, saya mau tanya pesanan saya belum sampai juga", "en"),
        ("zh", "我的订单还没有到请帮我查一下", None),
        ("ja", "ご注文の商品がまだ届いていません", None),
        ("th", "สวัสดีครับผมอยากถามเรื่องคำสั่งซื้อ", "en"),
        ("zh", "好的", "zh-TW"),
        ("id", "ok", "id-ID"),
        (None, "ok", "fr"),
        (None, "👍👍👍👍👍👍👍👍👍", None),
        (None, None, None),
    ],
)
def test_a_language_is_recognised_by_the_text_or_else_by_what_the_provider_told(
    expected: str | None, text: str | None, told: str | None
) -> None:
    assert recognise_language(text, told, SERVED) == expected


@pytest.mark.parametrize(("expected", "served"), [("en", ("en",)), (None, ())])
def test_one_language_needs_no_guess(expected: str | None, served: Sequence[str]) -> None:
    assert recognise_language("bonjour tout le monde, ça va bien", "fr", served) == expected


def test_a_detector_that_somebody_else_is_still_loading_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detector_factory, "_factory", detector_factory.DetectorFactory())
    _detectors.cache_clear()
    assert recognise_language("hello there, how are you doing today", None, SERVED) == "en"
