"""Customers, their identifiers and consents: the same promises in memory and on DynamoDB."""

from dataclasses import replace
from typing import Any

import pytest

from tests.tables import HOME, NOW_MS, OTHER_HOME, Stores
from throughline.domain.customers import CardChange, Customer, CustomerIdentifier
from throughline.domain.identifiers import AgentId, CustomerId, Evidence, Identifier

ADA = CustomerId(HOME)
PHONE = Identifier(kind="tel", value="+14155550100")
TELEGRAM = Identifier(kind="telegram", value="3527065", evidence=Evidence.CLAIMED)
KNOWN_PHONE = CustomerIdentifier(identifier=PHONE, home=HOME, since_ms=NOW_MS)
KNOWN_TELEGRAM = CustomerIdentifier(identifier=TELEGRAM, home=OTHER_HOME, since_ms=NOW_MS + 1)
CARD = Customer(customer_id=ADA, name="Ada", language="de", since_ms=NOW_MS)
ACCOUNT = "twilio_sms/+14155550199"


def word(stores: Stores, account: str = ACCOUNT) -> str | None:
    found = stores.customers.find_identifier(ADA, PHONE)
    return found.consents.get(account) if found else None


def test_nobody_is_found_before_they_are_known(stores: Stores) -> None:
    assert stores.customers.find_customer(ADA) is None
    assert stores.customers.find_identifier(ADA, PHONE) is None


def test_a_customer_is_found_with_all_identifiers(stores: Stores) -> None:
    stores.customers.add_customer(CARD)
    assert stores.customers.add_identifier(ADA, KNOWN_TELEGRAM)
    assert stores.customers.add_identifier(ADA, KNOWN_PHONE)
    stores.customers.add_identifier(CustomerId(OTHER_HOME), KNOWN_PHONE)

    assert stores.customers.find_customer(ADA) == Customer(
        customer_id=ADA, name="Ada", language="de", since_ms=NOW_MS, identifiers=(KNOWN_PHONE, KNOWN_TELEGRAM)
    )
    assert stores.customers.find_identifier(ADA, TELEGRAM) == KNOWN_TELEGRAM


def test_a_customer_may_come_with_identifiers(stores: Stores) -> None:
    whole = Customer(customer_id=ADA, identifiers=(KNOWN_PHONE, KNOWN_TELEGRAM))
    stores.customers.add_customer(whole)

    assert stores.customers.find_customer(ADA) == whole


def test_what_is_known_of_a_customer_stays(stores: Stores) -> None:
    stores.customers.add_customer(CARD)

    stores.customers.add_customer(Customer(customer_id=ADA, name="Other", since_ms=1, identifiers=(KNOWN_PHONE,)))

    assert stores.customers.find_customer(ADA) == Customer(
        customer_id=ADA, name="Ada", language="de", since_ms=NOW_MS, identifiers=(KNOWN_PHONE,)
    )


def test_an_identifier_is_claimed_once(stores: Stores) -> None:
    assert stores.customers.add_identifier(ADA, KNOWN_PHONE)

    later = CustomerIdentifier(identifier=PHONE, home=OTHER_HOME, since_ms=NOW_MS + 9)
    assert not stores.customers.add_identifier(ADA, later)
    assert stores.customers.find_identifier(ADA, PHONE) == KNOWN_PHONE


def test_a_customer_without_a_card_is_known_by_identifiers(stores: Stores) -> None:
    stores.customers.add_identifier(ADA, KNOWN_PHONE)

    assert stores.customers.find_customer(ADA) == Customer(customer_id=ADA, identifiers=(KNOWN_PHONE,))


# ---------------------------------------------------------------- consent


def say(stores: Stores, at_ms: int, *, granted: bool, account: str = ACCOUNT) -> bool:
    return stores.customers.set_consent(ADA, PHONE, account, granted=granted, at_ms=at_ms)


def test_the_latest_word_stands_whatever_comes_in_between(stores: Stores) -> None:
    stores.customers.add_identifier(ADA, KNOWN_PHONE)

    assert say(stores, 20, granted=False)
    assert not say(stores, 10, granted=True)
    assert word(stores) == "-20"
    assert say(stores, 30, granted=True)
    assert word(stores) == "+30"


def test_a_word_that_is_repeated_stands(stores: Stores) -> None:
    say(stores, 20, granted=False)

    assert say(stores, 20, granted=False)


@pytest.mark.parametrize("first", [True, False])
def test_of_two_words_of_one_instant_the_refusal_stands(stores: Stores, *, first: bool) -> None:
    say(stores, 20, granted=first)
    say(stores, 20, granted=not first)

    assert word(stores) == "-20"


def test_consent_is_given_to_one_account(stores: Stores) -> None:
    say(stores, 20, granted=False)
    say(stores, 10, granted=True, account="whatsapp/1.2[3]")

    assert word(stores) == "-20"
    assert word(stores, "whatsapp/1.2[3]") == "+10"


def test_an_opt_out_of_somebody_unknown_is_not_lost(stores: Stores) -> None:
    say(stores, 20, granted=False)
    assert stores.customers.find_identifier(ADA, PHONE) == CustomerIdentifier(
        identifier=PHONE, home=HOME, since_ms=0, consents={ACCOUNT: "-20"}
    )

    known = CustomerIdentifier(identifier=PHONE, home=OTHER_HOME, since_ms=NOW_MS)
    assert stores.customers.add_identifier(ADA, known)
    found = stores.customers.find_customer(ADA)

    assert found is not None
    assert found.identifiers == (
        CustomerIdentifier(identifier=PHONE, home=OTHER_HOME, since_ms=NOW_MS, consents={ACCOUNT: "-20"}),
    )


# ---------------------------------------------------------------- links


def test_the_first_record_of_a_link_stays_and_is_no_part_of_the_card(stores: Stores) -> None:
    stores.customers.add_customer(CARD)
    stores.customers.record_link(ADA, CustomerId(OTHER_HOME), why="the provider attests both", at_ms=5)
    stores.customers.record_link(ADA, CustomerId(OTHER_HOME), why="again", at_ms=9)

    assert stores.links() == [(ADA, OTHER_HOME, "the provider attests both", 5)]
    assert stores.customers.find_customer(ADA) == CARD


def test_proof_takes_the_place_of_a_claim_and_no_claim_that_of_proof(stores: Stores) -> None:
    claimed = CustomerIdentifier(identifier=replace(PHONE, evidence=Evidence.CLAIMED), home=HOME, since_ms=NOW_MS)
    proven = CustomerIdentifier(identifier=PHONE, home=OTHER_HOME, since_ms=NOW_MS + 5)
    assert stores.customers.add_identifier(ADA, claimed)
    assert not stores.customers.add_identifier(ADA, replace(claimed, since_ms=NOW_MS + 1))
    assert stores.customers.find_identifier(ADA, PHONE) == claimed
    stores.customers.set_consent(ADA, PHONE, ACCOUNT, granted=False, at_ms=NOW_MS)

    assert stores.customers.add_identifier(ADA, proven)
    assert not stores.customers.add_identifier(ADA, claimed)
    assert not stores.customers.add_identifier(ADA, replace(proven, since_ms=NOW_MS + 9))
    found = stores.customers.find_identifier(ADA, PHONE)
    assert found == replace(proven, consents={ACCOUNT: f"-{NOW_MS}"})


# ---------------------------------------------------------------- the card


def test_a_card_is_changed_in_what_is_named_and_says_who_changed_it_last(stores: Stores) -> None:
    stores.customers.add_customer(CARD)
    stores.customers.add_identifier(ADA, KNOWN_PHONE)
    by_anna, by_ben = (CardChange(by=AgentId(name), at_ms=NOW_MS + at) for at, name in ((1, "anna"), (2, "ben")))

    stores.customers.change_card(ADA, {"tier": "gold", "value": 1200}, by_anna)
    stores.customers.change_card(ADA, {"name": "Ada Lovelace", "language": None}, by_ben)

    assert stores.customers.find_customer(ADA) == Customer(
        customer_id=ADA,
        name="Ada Lovelace",
        tier="gold",
        value=1200,
        since_ms=NOW_MS,
        changed=by_ben,
        identifiers=(KNOWN_PHONE,),
    )
    assert stores.card_changes() == [
        (by_anna, {"tier": "gold", "value": 1200}),
        (by_ben, {"name": "Ada Lovelace", "language": None}),
    ]


def test_a_card_that_was_never_written_begins_with_its_first_change(stores: Stores) -> None:
    change = CardChange(by=AgentId("anna"), at_ms=NOW_MS + 1)
    stores.customers.change_card(ADA, {"value": 0}, change)

    found = stores.customers.find_customer(ADA)
    assert found == Customer(customer_id=ADA, value=0, since_ms=NOW_MS + 1, changed=change)


def test_a_card_is_completed_with_what_is_known_of_another_and_keeps_its_own(stores: Stores) -> None:
    stores.customers.add_customer(CARD)
    other = Customer(customer_id=CustomerId(OTHER_HOME), name="A. Lovelace", tier="gold", value=1200, since_ms=1)
    stores.customers.complete_card(ADA, other)
    stores.customers.complete_card(ADA, replace(other, tier="tin", value=1))

    assert stores.customers.find_customer(ADA) == replace(CARD, tier="gold", value=1200)


def test_a_card_that_was_never_written_begins_with_what_is_known_of_another(stores: Stores) -> None:
    stores.customers.complete_card(ADA, Customer(customer_id=CustomerId(OTHER_HOME), since_ms=NOW_MS))
    assert stores.customers.find_customer(ADA) is None
    stores.customers.complete_card(ADA, replace(CARD, customer_id=CustomerId(OTHER_HOME)))

    assert stores.customers.find_customer(ADA) == CARD


# ---------------------------------------------------------------- anonymous visitors

USER, ANOTHER = (Identifier(kind="external-id", value=value) for value in ("u-1", "u-2"))


def visitor(value: str, **changed: Any) -> CustomerIdentifier:
    known = CustomerIdentifier(identifier=Identifier(kind="visitor", value=value), home=HOME, since_ms=NOW_MS)
    return replace(known, **changed)


def test_a_visitor_is_bound_to_the_first_user_for_good(stores: Stores) -> None:
    mina = visitor("00ff")
    assert stores.customers.find_owner(mina.identifier) is None
    assert stores.customers.bind_visitor(mina, USER) == USER
    assert stores.customers.bind_visitor(mina, ANOTHER) == USER
    assert stores.customers.bind_visitor(visitor("00ff", since_ms=NOW_MS + 1), USER) == USER

    assert stores.customers.find_owner(mina.identifier) == USER
    assert (stores.customers.list_visitors(USER), stores.customers.list_visitors(ANOTHER)) == ([mina], [])


def test_every_visitor_of_a_user_is_listed_and_no_other(stores: Stores) -> None:
    mina, later = visitor("00ff"), visitor("0100", home=OTHER_HOME)
    stores.customers.bind_visitor(later, USER)
    stores.customers.bind_visitor(mina, USER)
    stores.customers.bind_visitor(visitor("0200"), ANOTHER)

    assert stores.customers.list_visitors(USER) == [mina, later]
    assert stores.customers.find_owner(USER) is None
