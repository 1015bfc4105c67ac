"""How long a text is for a provider, and where it may be cut."""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable

# GSM 03.38 default alphabet and its extension table, where each character takes two septets.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM_SINGLE, _GSM_JOINED = 160, 153
_UCS2_SINGLE, _UCS2_JOINED = 70, 67
_JOINERS = "\u200d\ufe0e\ufe0f\u20e3"  # zero-width joiner, variation selectors, keycap
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)  # two of them are one flag
_FLAG_ALPHABET = "".join(map(chr, _FLAG_LETTERS))
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_LONGEST_CHARACTER = 32  # code points we are ready to step back over so as not to cut a character in two


def utf16_length(text: str) -> int:
    """Return the length in UTF-16 units: the strictest way any provider counts characters."""
    return len(text) + sum(character > "\uffff" for character in text)


def sms_segments(text: str) -> int:
    """Return how many SMS the network makes (and bills) of `text`: in GSM-7 if it can be written so, else in UCS-2."""
    if all(character in _GSM or character in _GSM_EXTENDED for character in text):
        return _segments([1 + (character in _GSM_EXTENDED) for character in text], _GSM_SINGLE, _GSM_JOINED)
    return _segments([utf16_length(character) for character in text], _UCS2_SINGLE, _UCS2_JOINED)


def _segments(widths: list[int], single: int, joined: int) -> int:
    if sum(widths) <= single:
        return 1
    segments, used = 1, 0
    for width in widths:
        if used + width > joined:  # an escape or a surrogate pair never straddles two segments
            segments, used = segments + 1, 0
        used += width
    return segments


def split(text: str, limit: int, measure: Callable[[str], int] = utf16_length) -> list[str]:
    """Return `text` in pieces of at most `limit` by `measure`, cut at white space where there is any.

    A blank text has no pieces. The same text is always cut in the same places. White space at a cut, and around a text
    that has to be cut, is dropped; nothing else is.
    """
    rest = text
    pieces = []
    while rest.strip() and measure(rest) > limit:
        rest = rest.strip()
        cut = _cut(rest, limit, measure)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest.strip() else pieces


def _cut(text: str, limit: int, measure: Callable[[str], int]) -> int:
    """Return how much of `text` goes into the next piece, at least one character."""
    longest = bisect_right(range(1, len(text) + 1), limit, key=lambda length: measure(text[:length]))
    for position in range(longest, longest // 2, -1):
        if position < len(text) and text[position].isspace():
            return position
    return _between_characters(text, max(longest, 1))


def _between_characters(text: str, longest: int) -> int:
    for position in range(longest, max(longest - _LONGEST_CHARACTER, 0), -1):
        if position >= len(text) or not _inside_a_character(text, position):
            return position
    return longest


def _inside_a_character(text: str, position: int) -> bool:
    """Return whether what stands before and after `position` is seen as one character."""
    before, after = text[position - 1], text[position]
    if ord(after) in _FLAG_LETTERS:
        letters = len(text[:position]) - len(text[:position].rstrip(_FLAG_ALPHABET))
        return letters % 2 == 1
    return after in _JOINERS or before == "\u200d" or unicodedata.combining(after) > 0 or ord(after) in _SKIN_TONES
