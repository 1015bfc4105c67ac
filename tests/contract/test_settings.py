"""The configuration in force: the same answers from the settings table and from the fake, and its versions."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cloud import Cloud, cloud
from tests.fakes.settings import FakeSettings
from throughline.domain.configuration import AgentProfile, ChannelAccount, Configuration, Issuer, Queue
from throughline.domain.errors import ConfigurationError, ConflictError, NotFoundError
from throughline.domain.identifiers import AgentId
from throughline.domain.templates import MessageTemplate
from throughline.ports import Settings
from throughline.store.settings import (
    CACHE_MS,
    MAX_DOCUMENT_BYTES,
    DynamoConfigurations,
    DynamoSettings,
    Version,
    from_document,
    to_document,
)

NOW_MS = 1_763_800_000_000
ANA = AgentId("ana")
CENTRE = Configuration(
    accounts={
        "telegram/demo": ChannelAccount(
            channel="telegram",
            name="demo",
            address="demo_bot",
            queue="support",
            languages=("en", "id"),
            secrets={"bot_token": ("telegram/demo/bot_token", "telegram/demo/old_token")},
            settings={"max_segments": 4, "tags": ("a", "b")},
        ),
        "whatsapp/demo": ChannelAccount(
            channel="whatsapp",
            name="demo",
            address="10001",
            queue="support",
            templates={"visit": MessageTemplate(name="visit", language="en_US", text="Hi {{1}}", header="image")},
        ),
        "whatsapp/10001": ChannelAccount(channel="whatsapp", name="10001", address="10002", queue="support"),
    },
    queues={"support": Queue(name="support", skills={"en": 2}, offer_s=15, dispositions=("solved",))},
    skills={"en": "English", "id": "Indonesian"},
    agents={ANA: AgentProfile(agent_id=ANA, name="Ana", skills={"en": 5}, capacity={"chat": 3}, teams=("front",))},
    issuers={
        "https://issuer.test": Issuer(issuer="https://issuer.test", audience="a", jwks_url="https://issuer.test/k")
    },
)


@pytest.fixture
def aws() -> Iterator[Cloud]:
    with cloud() as account:
        yield account


@pytest.fixture
def configurations(aws: Cloud) -> DynamoConfigurations:
    return DynamoConfigurations(aws.table("settings"))


def version(number: int, configuration: Configuration = CENTRE) -> Version:
    return Version(number=number, configuration=configuration, by="omar", at_ms=NOW_MS + number, comment="why")


@pytest.fixture(params=["dynamodb", "fake"])
def settings(request: pytest.FixtureRequest) -> Settings:
    if request.param == "fake":
        return FakeSettings(CENTRE)
    account: Cloud = request.getfixturevalue("aws")
    DynamoConfigurations(account.table("settings")).write(version(1))
    return DynamoSettings(account.table("settings"), clock=lambda: NOW_MS)


def test_an_account_is_found_by_the_name_in_its_webhook(settings: Settings) -> None:
    assert settings.find_account("telegram", "demo") == CENTRE.accounts["telegram/demo"]
    assert settings.find_account("telegram", "other") is None


def test_an_account_is_found_by_what_the_provider_calls_it_before_what_we_do(settings: Settings) -> None:
    assert settings.find_account_by_address("whatsapp", "10001") == CENTRE.accounts["whatsapp/demo"]
    assert settings.find_account_by_address("telegram", "demo") == CENTRE.accounts["telegram/demo"]
    assert settings.find_account_by_address("telegram", "10001") is None


def test_a_queue_that_must_be_there_is_got_and_one_that_may_be_there_is_found(settings: Settings) -> None:
    assert settings.get_queue("support") == settings.find_queue("support") == CENTRE.queues["support"]
    assert settings.find_queue("sales") is None
    with pytest.raises(ConfigurationError, match="sales"):
        settings.get_queue("sales")


def test_agents_and_issuers_are_as_configured(settings: Settings) -> None:
    assert settings.find_agent_profile(ANA) == CENTRE.agents[ANA]
    assert settings.find_agent_profile(AgentId("budi")) is None
    assert settings.list_issuers() == list(CENTRE.issuers.values())


def test_before_anything_was_applied_nothing_is_configured(aws: Cloud) -> None:
    settings = DynamoSettings(aws.table("settings"), clock=lambda: NOW_MS)
    assert settings.find_account("telegram", "demo") is None
    assert settings.list_issuers() == []


def test_a_new_version_is_effective_within_ten_seconds(aws: Cloud, configurations: DynamoConfigurations) -> None:
    configurations.write(version(1))
    clock = chain([NOW_MS, NOW_MS + CACHE_MS - 1], repeat(NOW_MS + CACHE_MS))
    settings = DynamoSettings(aws.table("settings"), clock=lambda: next(clock))
    before = settings.get_queue("support").offer_s
    configurations.write(version(2, replace(CENTRE, queues={"support": Queue(name="support", offer_s=30)})))
    assert [before, settings.get_queue("support").offer_s, settings.get_queue("support").offer_s] == [15, 15, 30]


def test_the_last_version_written_is_the_current_one(configurations: DynamoConfigurations) -> None:
    assert configurations.get_current().number == 0
    configurations.write(version(1))
    changed = version(2, replace(CENTRE, agents={}))
    configurations.write(changed)
    assert configurations.get_current() == changed


def test_of_two_who_apply_at_once_the_second_is_told(configurations: DynamoConfigurations) -> None:
    configurations.write(version(1))
    configurations.write(version(2))
    with pytest.raises(ConflictError):
        configurations.write(version(2, Configuration()))
    with pytest.raises(ConflictError):
        configurations.write(version(1, Configuration()))
    assert configurations.get_current().configuration == CENTRE


def test_a_version_cannot_be_skipped(configurations: DynamoConfigurations) -> None:
    configurations.write(version(1))
    with pytest.raises(ConflictError):
        configurations.write(version(3))
    with pytest.raises(NotFoundError):
        configurations.get_version(3)


def test_every_version_stays_and_the_newest_is_listed_first(configurations: DynamoConfigurations) -> None:
    for number in range(1, 13):
        configurations.write(version(number, replace(CENTRE, skills={"en": str(number)})))
    assert [item.number for item in configurations.list_versions(limit=3)] == [12, 11, 10]
    assert configurations.get_version(2).configuration.skills == {"en": "2"}


def test_what_was_announced_is_kept_over_the_next_version(configurations: DynamoConfigurations) -> None:
    configurations.write(version(1))
    configurations.mark_announced(1)
    configurations.write(version(2))
    configurations.mark_announced(1)  # somebody slow
    assert configurations.get_current().announced == 1
    configurations.mark_announced(2)
    assert configurations.get_current().announced == 2


def test_a_configuration_that_no_item_can_hold_is_refused_before_anything_is_written(
    configurations: DynamoConfigurations,
) -> None:
    import random

    noise = random.Random(1).randbytes(MAX_DOCUMENT_BYTES).hex()
    with pytest.raises(ConfigurationError, match="bytes"):
        configurations.write(version(1, replace(CENTRE, skills={"en": noise})))
    assert configurations.get_current().number == 0


_names = st.text(min_size=1, max_size=6)
_levels = st.dictionaries(_names, st.integers(1, 5), max_size=3)


@given(
    st.builds(
        Configuration,
        skills=st.dictionaries(_names, _names, max_size=3),
        agents=st.dictionaries(
            _names.map(AgentId),
            st.builds(AgentProfile, agent_id=_names.map(AgentId), name=_names, skills=_levels, teams=st.tuples(_names)),
            max_size=3,
        ),
        queues=st.dictionaries(_names, st.builds(Queue, name=_names, skills=_levels), max_size=3),
    )
)
def test_a_document_says_what_the_configuration_says(configuration: Configuration) -> None:
    assert from_document(to_document(configuration)) == configuration


def test_a_document_of_another_release_is_read_as_far_as_it_is_understood() -> None:
    import json
    import zlib

    document = {"queues": {"support": {"name": "support", "offer_s": 9, "colour": "red"}}, "calendars": {"x": {}}}
    read = from_document(zlib.compress(json.dumps(document).encode()))
    assert read == Configuration(queues={"support": Queue(name="support", offer_s=9)})
