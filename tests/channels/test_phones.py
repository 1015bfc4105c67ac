"""However a number is written, one person has one identifier."""

import pytest

from throughline.channels._phones import dialled, e164, sms_address, tel
from throughline.domain.identifiers import Evidence, Identifier


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("+14155550142", "+14155550142"),
        ("14155550142", "+14155550142"),
        ("+1 (415) 555-0142", "+14155550142"),
        ("+62 812-5550-142", "+628125550142"),
        ("4402079460000", "+442079460000"),  # a trunk zero that does not belong there
        ("+390612345678", "+390612345678"),  # and one that does
        ("5215512345678", "+525512345678"),
        ("+525512345678", "+525512345678"),
        ("5491123456789", "+541123456789"),
        ("+541123456789", "+541123456789"),
        ("553184561234", "+5531984561234"),
        ("+5531984561234", "+5531984561234"),
        ("+553133334444", "+553133334444"),  # a landline has no ninth digit
        ("2349067554729", "+2349067554729"),
        ("5678", "+5678"),  # no number that exists, and still somebody's name
        ("+999123456789", "+999123456789"),
    ],
)
def test_a_number_has_one_spelling(written: str, value: str) -> None:
    assert value == e164(written)
    assert value == e164(value)


@pytest.mark.parametrize("written", [None, "", "+", "abc", "US.1234", "12", "1234567890123456", "+1415555x", "١٢٣٤٥٦٧"])
def test_what_is_no_number_is_none(written: str | None) -> None:
    assert e164(written) is None
    assert tel(written) is None


@pytest.mark.parametrize(
    ("written", "identifier"),
    [
        ("72975", Identifier(kind="shortcode", value="72975")),
        ("072975", Identifier(kind="shortcode", value="072975")),
        ("+72975", Identifier(kind="tel", value="+72975")),
        ("+14155550142", Identifier(kind="tel", value="+14155550142")),
        ("AMAZON", None),
        ("", None),
    ],
)
def test_a_short_code_stays_as_it_is(written: str, identifier: Identifier | None) -> None:
    assert identifier == sms_address(written)


def test_evidence_is_told_apart_but_not_part_of_the_name() -> None:
    shared = tel("+14155550142", Evidence.VERIFIED)
    assert shared is not None
    assert (Evidence.VERIFIED, "tel:+14155550142") == (shared.evidence, str(shared))


@pytest.mark.parametrize(
    ("value", "number"), [("+541123456789", "+5491123456789"), ("+525512345678", "+525512345678"), ("72975", "72975")]
)
def test_a_mobile_is_dialled_as_its_country_wants(value: str, number: str) -> None:
    assert number == dialled(value)
