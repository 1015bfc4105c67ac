"""Phone numbers as identifiers: one person's SMS and WhatsApp messages must name the same one."""

import re

import phonenumbers

from throughline.domain.identifiers import Evidence, Identifier

_DIGITS = re.compile(r"\+?[0-9]{4,15}")
_PUNCTUATION = re.compile(r"[\s().\-/\u00a0]")
_SHORT_CODE = re.compile(r"[0-9]{3,8}")

# Networks write some mobile numbers in two ways. WhatsApp keeps the older one for ever, SMS uses the newer.
_ONE_SPELLING = (
    (re.compile(r"\+521(\d{10})"), r"+52\1"),  # Mexico dropped the 1 in 2019
    (re.compile(r"\+549(\d{10})"), r"+54\1"),  # Argentina: the 9 marks a mobile called from abroad
    (re.compile(r"\+55(\d{2})([6-9]\d{7})"), r"+55\g<1>9\2"),  # Brazil gave its mobiles a ninth digit by 2016
)
_ARGENTINE = re.compile(r"\+54(\d{10})")


def e164(written: str | None) -> str | None:
    """Return a phone number as ``+`` and digits, the same for every spelling of it, or None if it is none.

    A missing ``+`` is added: providers write msisdns and WhatsApp ids without. The numbering plan is applied where it
    knows the number, but a number it does not know is kept: numbers are born faster than tables.
    """
    digits = _PUNCTUATION.sub("", written or "")
    if not _DIGITS.fullmatch(digits):
        return None
    plain = "+" + digits.removeprefix("+")
    for pattern, spelling in _ONE_SPELLING:
        plain = pattern.sub(spelling, plain) if pattern.fullmatch(plain) else plain
    try:
        return phonenumbers.format_number(phonenumbers.parse(plain), phonenumbers.PhoneNumberFormat.E164)
    except phonenumbers.NumberParseException:
        return plain


def tel(written: str | None, evidence: Evidence = Evidence.ATTESTED) -> Identifier | None:
    """Return the ``tel`` identifier of a number with country code, or None if it is none."""
    value = e164(written)
    return Identifier(kind="tel", value=value, evidence=evidence) if value else None


def sms_address(written: str | None) -> Identifier | None:
    """Return who is behind an SMS address: a number (``tel``), a short code as it stands (``shortcode``), or None."""
    if written and _SHORT_CODE.fullmatch(written):
        return Identifier(kind="shortcode", value=written)
    return tel(written)


def dialled(value: str) -> str:
    """Return the number to send an SMS to: Argentina's mobiles get back the 9 that `e164` took away."""
    return _ARGENTINE.sub(r"+549\1", value) if _ARGENTINE.fullmatch(value) else value
