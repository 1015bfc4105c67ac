import pytest

from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import Identifier
from throughline.domain.vias import Via, choose_via

SMS = "twilio_sms/+15005550006|tel:+14155550100"
WHATSAPP = "whatsapp/1001|tel:+14155550100"
TELEGRAM = "telegram/demo|telegram:7"
WAYS = (SMS, WHATSAPP, TELEGRAM)


def test_a_way_names_account_and_identifier() -> None:
    via = Via.parse(SMS)
    assert via == Via(account="twilio_sms/+15005550006", identifier=Identifier(kind="tel", value="+14155550100"))
    assert (via.channel, str(via)) == ("twilio_sms", SMS)


@pytest.mark.parametrize("text", ["", "telegram:7", "|telegram:7", "telegram|telegram:7", "telegram/demo|", "a/b|tel:"])
def test_what_names_no_way_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        Via.parse(text)


def test_without_a_wish_the_answer_goes_where_the_customer_last_wrote() -> None:
    assert str(choose_via(None, WHATSAPP, WAYS)) == WHATSAPP


def test_a_way_the_customer_has_used_may_be_chosen() -> None:
    assert str(choose_via(SMS, WHATSAPP, WAYS)) == SMS


def test_an_identifier_is_enough_where_one_way_leads_to_it() -> None:
    assert str(choose_via("telegram:7", SMS, WAYS)) == TELEGRAM


@pytest.mark.parametrize("wanted", ["tel:+14155550100", "telegram:8", "telegram/other|telegram:7", ""])
def test_an_ambiguous_or_unknown_way_is_refused(wanted: str) -> None:
    with pytest.raises(InvalidRequestError):
        choose_via(wanted, SMS, WAYS)


def test_without_any_way_nothing_can_be_sent() -> None:
    with pytest.raises(InvalidRequestError):
        choose_via(None, None, ())
