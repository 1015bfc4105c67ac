"""Texts are counted as the networks count them and cut where nobody minds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from throughline.channels._texts import sms_segments, split, utf16_length


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),  # two septets each
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 20, 2),  # the escape and its character stay together
        ("à" * 160, 1),
        ("â" * 70, 1),  # not in the alphabet
        ("â" * 71, 2),
        ("ت" * 70, 1),
        ("ت" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 66 + "😀" + "a" * 60, 2),  # a surrogate pair stays together
        ("It\u2019s", 1),
    ],
)
def test_segments_are_what_the_network_bills(text: str, segments: int) -> None:
    assert segments == sms_segments(text)


@pytest.mark.parametrize(
    ("text", "limit", "pieces"),
    [
        ("", 10, []),
        (" \n ", 10, []),
        ("fits", 10, ["fits"]),
        ("  fits  ", 10, ["  fits  "]),
        ("one two three", 8, ["one two", "three"]),
        ("one\ntwo three", 7, ["one\ntwo", "three"]),
        ("exactly ten", 7, ["exactly", "ten"]),
        ("a " + "b" * 12, 6, ["a bbbb", "bbbbbb", "bb"]),  # no white space where a cut would make sense
        ("消息消息消息", 4, ["消息消息", "消息"]),
        ("👍👍👍", 4, ["👍👍", "👍"]),  # counted in UTF-16
        ("aaa👨‍👩‍👧b", 9, ["aaa", "👨‍👩‍👧b"]),  # a family is one character
        ("aaaae\u0301", 5, ["aaaa", "e\u0301"]),  # with its accent
        ("aa🇮🇩🇸🇦", 9, ["aa🇮🇩", "🇸🇦"]),
        ("   leading and trailing   ", 12, ["leading and", "trailing"]),
    ],
)
def test_a_text_is_cut_between_words(text: str, limit: int, pieces: list[str]) -> None:
    assert pieces == split(text, limit)


def test_a_text_can_be_cut_by_what_it_costs() -> None:
    pieces = split("ت" * 100 + " " + "ب" * 30, 1, sms_segments)
    assert all(sms_segments(piece) == 1 for piece in pieces)
    assert "ت" * 100 + "ب" * 30 == "".join("".join(pieces).split())


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(text=st.text(max_size=200), limit=st.integers(4, 40))
def test_nothing_but_white_space_is_lost_and_every_piece_fits(text: str, limit: int) -> None:
    pieces = split(text, limit)
    assert all(0 < utf16_length(piece) <= limit for piece in pieces)
    assert "".join(text.split()) == "".join("".join(pieces).split())
