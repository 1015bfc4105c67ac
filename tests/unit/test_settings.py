"""The environment is read whole, or told what it lacks."""

from dataclasses import MISSING, fields

import pytest

from throughline.domain.errors import ConfigurationError
from throughline.settings import Environment, variable_of

COMPLETE = {variable_of(item): f"{item.name}-value" for item in fields(Environment) if item.default is MISSING}


def test_a_variable_is_named_like_its_field() -> None:
    assert Environment.read(COMPLETE).inbound_queue_url == COMPLETE["INBOUND_QUEUE_URL"]


def test_what_is_not_said_has_a_default() -> None:
    environment = Environment.read(COMPLETE)
    assert (environment.max_webhook_bytes, environment.log_level, environment.aws_endpoint_url) == (
        2**20,
        "WARNING",
        "",
    )


def test_numbers_are_read_as_numbers() -> None:
    assert Environment.read({**COMPLETE, "MAX_WEBHOOK_BYTES": "5000"}).max_webhook_bytes == 5000


def test_every_missing_variable_is_named_at_once() -> None:
    incomplete = {**COMPLETE, "STAGE": ""}
    del incomplete["BLOBS_BUCKET"]
    with pytest.raises(ConfigurationError, match=r"missing: STAGE, BLOBS_BUCKET$"):
        Environment.read(incomplete)


@pytest.mark.parametrize("value", ["1 MiB", "-1", "1.5"])
def test_a_number_that_is_none_is_named(value: str) -> None:
    with pytest.raises(ConfigurationError, match="MAX_WEBHOOK_BYTES"):
        Environment.read({**COMPLETE, "MAX_WEBHOOK_BYTES": value})


def test_a_slash_at_the_end_of_an_address_makes_no_difference() -> None:
    environment = Environment.read(
        {**COMPLETE, "PUBLIC_URL": "https://desk.test/", "SECRETS_PREFIX": "/throughline/dev/"}
    )
    assert (environment.public_url, environment.secrets_prefix) == ("https://desk.test", "/throughline/dev")


def test_what_else_the_environment_holds_is_left_alone() -> None:
    assert Environment.read({**COMPLETE, "PATH": "/bin"}) == Environment.read(COMPLETE)
