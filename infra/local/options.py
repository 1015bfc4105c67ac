"""What the stack on one machine may be told, by environment variables. docs/running-locally.md lists them."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from infra.addresses import is_web_address
from infra.local.centre import DEMO_FILE
from infra.local.engine import EngineKind
from infra.local.pollers import Polling

STAGE = "local"
DEFAULT_PORT = 8080
MAX_PORT = 65535
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_POLLING = Polling()


class BadOptionError(Exception):
    """A variable does not say what it may; the message tells which, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run.

    `public_url` None means that providers are played here and need no way in but the local one; `functions_log` None
    that the functions' lines go to standard output.
    """

    port: int = DEFAULT_PORT
    state_dir: Path = Path(".local")
    engine: EngineKind = "ministack"
    engine_url: str | None = None
    centre_file: Path = DEMO_FILE
    public_url: str | None = None
    provider_bases: str | None = None
    receipts_pace_s: float = 0.3
    functions_log: Path | None = None
    log_level: str = "INFO"
    functions_log_level: str = "WARNING"
    polling: Polling = field(default_factory=Polling)

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the options in the environment.

        Raises:
            BadOptionError: one of them cannot be understood.
        """
        state_dir = Path(environ.get("STATE_DIR") or ".local").absolute()
        functions_log = environ.get("FUNCTIONS_LOG") or str(state_dir / "functions.log")
        return cls(
            port=_whole(environ, "PORT", DEFAULT_PORT, MAX_PORT),
            state_dir=state_dir,
            engine=_engine(environ.get("ENGINE") or "ministack"),
            engine_url=_address(environ, "AWS_ENDPOINT_URL"),
            centre_file=centre_file(environ),
            public_url=_address(environ, "PUBLIC_URL"),
            provider_bases=_provider_bases(environ),
            log_level=_log_level(environ, "LOCAL_LOG_LEVEL", "INFO"),
            functions_log_level=_log_level(environ, "LOG_LEVEL", "WARNING"),
            functions_log=None if functions_log == "-" else Path(functions_log),
            receipts_pace_s=_whole(environ, "RECEIPTS_PACE_MS", 300, 60_000) / 1000,
            polling=Polling(
                visibility_s=_whole(environ, "QUEUE_VISIBILITY_S", _POLLING.visibility_s, 43_200),
                pollers=max(1, _whole(environ, "QUEUE_POLLERS", _POLLING.pollers, 32)),
            ),
        )


def _whole(environ: Mapping[str, str], name: str, default: int, highest: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdigit() or int(text) > highest:
        raise BadOptionError(f"{name} is {text!r}; set it to a whole number up to {highest}")
    return int(text)


def _address(environ: Mapping[str, str], name: str) -> str | None:
    text = (environ.get(name) or "").rstrip("/")
    if text and not is_web_address(text):
        raise BadOptionError(f"{name} is {text!r}; set it to an address such as https://desk.example.com")
    return text or None


def _provider_bases(environ: Mapping[str, str]) -> str | None:
    text = environ.get("PROVIDER_BASES")
    try:
        bases = json.loads(text or "{}")
    except ValueError:
        bases = None
    if not isinstance(bases, dict) or not all(is_web_address(str(base)) for base in bases.values()):
        example = '{"https://api.telegram.org": "http://127.0.0.1:9000"}'
        raise BadOptionError(f"PROVIDER_BASES is {text!r}; set it to a JSON object such as {example}, or to {{}}")
    return text


def _log_level(environ: Mapping[str, str], name: str, default: str) -> str:
    text = (environ.get(name) or default).upper()
    if text not in LOG_LEVELS:
        raise BadOptionError(f"{name} is {text!r}; set it to one of {', '.join(LOG_LEVELS)}")
    return text


def _engine(text: str) -> EngineKind:
    match text:
        case "ministack" | "moto":
            return text
    raise BadOptionError(f"ENGINE is {text!r}; set it to ministack (keeps everything) or moto (in memory)")


def centre_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the file the contact centre is set up from.

    Raises:
        BadOptionError: CONFIG names none.
    """
    text = environ.get("CONFIG")
    path = Path(text) if text else DEMO_FILE
    if not path.is_file():
        raise BadOptionError(f"CONFIG is {text!r}, and there is no such file")
    return path
