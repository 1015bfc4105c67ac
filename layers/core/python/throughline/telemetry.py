"""Log lines and counts, through Powertools, made so that no secret and no customer's word can leave this way.

Lines are few, because they cost more than the computing: nothing is logged while all goes well (level WARNING), and
`count` is for what is rare, because each count is a line too.
"""

import logging
import os
import re
import traceback
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

from throughline.domain.errors import ConfigurationError, ThroughlineError
from throughline.settings import DEFAULT_LOG_LEVEL, DEFAULT_METRICS_NAMESPACE

SERVICE = "throughline"
REMOVED = "[removed]"
MAX_VALUE_LENGTH = 500

# What stands under a key with one of these words in its name is never written.
_PRIVATE_KEYS = re.compile(
    r"authorization|body|content|cookie|credential|headers|password|payload|preview|raw|secret|signature|text|token",
    re.IGNORECASE,
)
_SECRETS = re.compile(
    r"bot\d+:[\w-]+"  # a Telegram API path carries the bot's token
    r"|\b(?:Bearer|Basic)\s+[\w.~+/=-]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]+"  # a JWT
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"  # user and password in a URL
    r"|(?<=[?&])(?:X-Amz-[\w-]+|[\w.-]*(?:token|secret|signature))=[^&\s]+",
    re.IGNORECASE,
)
_SAFE_ERRORS = (ThroughlineError, ConfigurationError)
_LIBRARIES = ("botocore", "urllib3")  # they name URLs and answers in their warnings


class DiscreetFormatter(LambdaPowertoolsFormatter):
    """Powertools' JSON lines without private keys, what looks like a secret, and the messages of errors not ours."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name
        """Return the frames of a traceback; of the errors only the names, and the messages of those that are ours."""
        frames = "".join(
            f"{frame.filename}:{frame.lineno} in {frame.name}\n" for frame in traceback.extract_tb(ei[2], limit=-12)
        )
        return frames + _named(ei[1])

    def serialize(self, log: Any) -> str:
        """Return the line as it is written."""
        line = discreet(log)
        if isinstance(log.get("exception"), str):
            line["exception"] = _scrubbed(log["exception"])  # whole: the last frames tell most
        return super().serialize(line)


def _named(error: BaseException | None) -> str:
    if isinstance(error, _SAFE_ERRORS):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def discreet(value: Any) -> Any:
    """Return a copy of something JSON-able that is safe to write into a log."""
    if isinstance(value, Mapping):
        return {key: _discreet_item(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [discreet(item) for item in value]
    if isinstance(value, bytes):
        return REMOVED
    if isinstance(value, BaseException):
        return _scrubbed(_named(value))
    return _shortened(_scrubbed(value)) if isinstance(value, str) else value


def _discreet_item(key: str, value: Any) -> Any:
    return REMOVED if _PRIVATE_KEYS.search(key) else discreet(value)


def _scrubbed(text: str) -> str:
    return _SECRETS.sub(REMOVED, text)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}…"


class PowertoolsTelemetry:
    """Telemetry, as lines in CloudWatch's embedded metric format (some 250 bytes a count; no request)."""

    def __init__(self, namespace: str = DEFAULT_METRICS_NAMESPACE) -> None:
        self._namespace = namespace

    def count(self, metric: str, **dimensions: str) -> None:
        """Add one; see ports.Telemetry."""
        with single_metric(name=metric, unit=MetricUnit.Count, value=1, namespace=self._namespace) as line:
            for name, value in dimensions.items():
                line.add_dimension(name=name, value=_shortened(_scrubbed(value)))

    def alert(self, metric: str, error: Exception, **dimensions: str) -> None:
        """Add one, and one line that says what is wrong; see ports.Telemetry."""
        self.count(metric, **dimensions)
        logger.error(metric, extra={**dimensions, "why": error})


def _make_logger() -> Logger:
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(logging.CRITICAL)
    # read here and not from Environment: a line about an incomplete environment has to get out as well
    level = os.environ.get("LOG_LEVEL") or DEFAULT_LOG_LEVEL
    formatter = DiscreetFormatter(utc=True, use_rfc3339=True, serialize_stacktrace=False)
    return Logger(service=SERVICE, level=level, logger_formatter=formatter)


logger = _make_logger()
