"""The environment as one typed object, read once; docs/settings.md tells operators what each variable does."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Self

from throughline.domain.errors import ConfigurationError

DEFAULT_LOG_LEVEL = "WARNING"
DEFAULT_METRICS_NAMESPACE = "Throughline"
DEFAULT_MAX_WEBHOOK_BYTES = 1024 * 1024
DEFAULT_QUEUE_VISIBILITY_S = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a function is told about its stage. A field's name in capitals is the name of its variable.

    URLs and prefixes are kept without a trailing slash.
    """

    stage: str
    aws_region: str
    public_url: str
    threads_table: str
    customers_table: str
    routing_table: str
    settings_table: str
    inbound_queue_url: str
    outbound_queue_url: str
    timers_queue_url: str
    media_queue_url: str
    blobs_bucket: str
    secrets_prefix: str
    sockets_endpoint: str
    aws_endpoint_url: str = ""
    max_webhook_bytes: int = DEFAULT_MAX_WEBHOOK_BYTES
    queue_visibility_s: int = DEFAULT_QUEUE_VISIBILITY_S
    log_level: str = DEFAULT_LOG_LEVEL
    metrics_namespace: str = DEFAULT_METRICS_NAMESPACE

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the environment; an empty variable counts as missing.

        Raises:
            ConfigurationError: variables are missing (all of them are named), or a number is none.
        """
        missing = [variable_of(item) for item in fields(cls) if _required(item) and not environ.get(variable_of(item))]
        if missing:
            raise ConfigurationError(f"environment variables are missing: {', '.join(missing)}")
        given: dict[str, Any] = {
            item.name: _value(item, environ[variable_of(item)]) for item in fields(cls) if _given(item, environ)
        }
        return cls(**given)


def variable_of(item: Field[Any]) -> str:
    """Return the name of the variable that a field of the environment is read from."""
    return item.name.upper()


def _required(item: Field[Any]) -> bool:
    return item.default is MISSING


def _given(item: Field[Any], environ: Mapping[str, str]) -> bool:
    return bool(environ.get(variable_of(item)))


def _value(item: Field[Any], text: str) -> str | int:
    if item.type is not int:
        return text.rstrip("/")
    if not text.isdecimal():
        raise ConfigurationError(f"environment variable {variable_of(item)} has to be a whole number")
    return int(text)
