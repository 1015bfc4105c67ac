"""Nothing that is secret or said by a customer leaves through a log line or a metric."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.telemetry import FakeTelemetry
from throughline.domain.errors import ConfigurationError, StoreUnavailableError
from throughline.telemetry import MAX_VALUE_LENGTH, REMOVED, DiscreetFormatter, PowertoolsTelemetry, logger

SECRET = "s3cr3t-s3cr3t-s3cr3t"
WORDS = "my card is 4111 1111"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(DiscreetFormatter(serialize_stacktrace=False))
    _LOG.addHandler(handler)
    yield written
    _LOG.removeHandler(handler)


_LOG = logging.getLogger("tests.telemetry")
_LOG.propagate = False


def last(lines: io.StringIO) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    return line


@pytest.mark.parametrize(
    "key",
    ["text", "body", "bot_token", "app_secret", "Authorization", "x-hub-signature-256", "raw", "preview", "headers"],
)
def test_what_stands_under_a_private_key_is_removed_at_any_depth(lines: io.StringIO, key: str) -> None:
    _LOG.warning("refused", extra={key: WORDS, "entry": {"list": [{key: SECRET}]}})
    assert last(lines)[key] == REMOVED
    assert last(lines)["entry"] == {"list": [{key: REMOVED}]}


@pytest.mark.parametrize(
    "value",
    [
        f"https://api.telegram.org/bot700001:{SECRET}/sendMessage",
        f"Bearer {SECRET}",
        f"Basic {SECRET}",
        f"https://user:{SECRET}@host/x",
        f"https://graph.test/x?access_token={SECRET}&a=b",
        f"https://bucket.test/x?X-Amz-Signature={SECRET}",
        f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbmEifQ.{SECRET}",
    ],
)
def test_what_looks_like_a_secret_is_removed_wherever_it_stands(lines: io.StringIO, value: str) -> None:
    _LOG.warning("could not post to %s", value, extra={"url": value})
    assert SECRET not in lines.getvalue()
    assert last(lines)["message"].startswith("could not post to ")


def test_an_error_that_is_not_ours_keeps_its_name_and_place_but_not_its_message(lines: io.StringIO) -> None:
    try:
        int(WORDS)
    except ValueError:
        _LOG.exception("failed")
    line = last(lines)
    assert (line["exception_name"], line["exception"].splitlines()[-1]) == ("ValueError", "ValueError")
    assert "test_telemetry.py" in line["exception"]
    assert WORDS not in lines.getvalue()


def test_an_error_of_ours_keeps_its_message(lines: io.StringIO) -> None:
    error = StoreUnavailableError("PutItem: no answer")
    _LOG.error("failed", exc_info=error, extra={"cause": error})
    assert last(lines)["exception"].endswith("StoreUnavailableError: PutItem: no answer")
    assert last(lines)["cause"] == "StoreUnavailableError: PutItem: no answer"


def test_a_chained_error_does_not_bring_its_words_along(lines: io.StringIO) -> None:
    try:
        try:
            int(WORDS)
        except ValueError as error:
            raise StoreUnavailableError("parsing") from error
    except StoreUnavailableError:
        _LOG.exception("failed")
    assert WORDS not in lines.getvalue()


def test_bytes_are_removed_and_long_values_cut(lines: io.StringIO) -> None:
    _LOG.warning("odd", extra={"blob": WORDS.encode(), "path": "x" * 2000})
    assert last(lines)["blob"] == REMOVED
    assert len(last(lines)["path"]) == MAX_VALUE_LENGTH + 1


def test_nothing_is_logged_while_all_goes_well() -> None:
    assert logger.log_level == logging.WARNING
    assert isinstance(logger.registered_formatter, DiscreetFormatter)


def test_libraries_that_quote_addresses_are_silent() -> None:
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.WARNING)
    assert not logging.getLogger("botocore").isEnabledFor(logging.ERROR)


def test_a_count_is_one_line_of_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    PowertoolsTelemetry("Test").count("not_understood", channel="telegram", reason="unknown_update")
    line = json.loads(capsys.readouterr().out)
    (metric,) = line["_aws"]["CloudWatchMetrics"]
    assert (metric["Namespace"], metric["Dimensions"]) == ("Test", [["channel", "reason"]])
    assert (line["not_understood"], line["channel"], line["reason"]) == ([1.0], "telegram", "unknown_update")


def test_a_fake_counts_by_dimension() -> None:
    telemetry = FakeTelemetry()
    telemetry.count("refused", channel="telegram", code="forbidden")
    telemetry.count("refused", channel="whatsapp", code="forbidden")
    assert [telemetry.total("refused"), telemetry.total("refused", channel="telegram")] == [2, 1]


def test_an_alert_says_what_is_wrong_in_our_own_words(caplog: pytest.LogCaptureFixture) -> None:
    error = ConfigurationError("channel account twilio_sms/demo has no setting named account_sid")
    PowertoolsTelemetry().alert("configuration_error", error, account="twilio_sms/demo")
    line = json.loads(DiscreetFormatter(serialize_stacktrace=False).format(caplog.records[-1]))
    assert "no setting named account_sid" in line["why"]
