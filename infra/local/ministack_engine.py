"""The engine process: ministack behind a redo log, on 127.0.0.1.

`python -m infra.local.ministack_engine --port 4566 --state-dir .local/aws`. Everything acknowledged survives `kill -9`:
tables, queues and parameters by the redo log, which is replayed before the port opens; objects by their files.
`ENGINE_FSYNC=1` forces each write to the disk, for a machine that may lose power.
"""

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvicorn

from infra.local.engine_child import (
    LOOPBACK,
    Arguments,
    announce,
    bind_door,
    die_with_parent,
    is_ours,
    port_of,
    read_arguments,
)
from infra.local.redo_log import DamagedLogError, RedoLog, StateInUseError

REGION = "us-east-1"
ACCOUNT = "000000000000"

_SERVICES = "dynamodb,dynamodbstreams,s3,sqs,ssm,sts"
_REWRITE_AFTER_BYTES = 64 * 1024 * 1024

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def main() -> None:
    """Replay, open the port, serve until the parent is gone."""
    try:
        _run(read_arguments())
    except (DamagedLogError, StateInUseError) as error:
        raise SystemExit(f"engine: {error}") from None


def _run(arguments: Arguments) -> None:
    die_with_parent(arguments.parent_pid)
    door = bind_door(arguments.port)
    log = RedoLog(
        arguments.state_dir / "redo.log" if arguments.state_dir else None,
        rewrite_after_bytes=int(os.environ.get("ENGINE_REWRITE_AFTER_BYTES", _REWRITE_AFTER_BYTES)),
        sync=os.environ.get("ENGINE_FSYNC") == "1",
    )
    _configure_ministack(port_of(door), arguments.state_dir)
    application = _load_ministack(log)
    _serve(only_from_this_machine(application), door)


def _configure_ministack(port: int, state_dir: Path | None) -> None:
    """Set what ministack reads from the environment when it is imported, over whatever stands there."""
    os.environ |= {
        "MINISTACK_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        # Links are verified even with AUTH off: this is the one key pair whose signatures it takes.
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "SERVICES": _SERVICES,
        "LOG_LEVEL": "WARNING",
        "AUTH": "false",
        "USE_SSL": "0",
        "PERSIST_STATE": "0",
        "LOCALSTACK_PERSISTENCE": "0",
        "S3_PERSIST": "1" if state_dir else "0",
        "S3_DATA_DIR": str(state_dir / "s3") if state_dir else "",
    }


def _load_ministack(log: RedoLog) -> Application:
    from ministack.app import app

    from infra.local import ministack_hooks, ministack_state

    ministack_hooks.check_hooks()
    if window_s := os.environ.get("ENGINE_DEDUPLICATION_S"):
        ministack_hooks.forget_duplicates_after(int(window_s))
    ministack_state.restore(log.replay())
    ministack_state.restore_buckets(REGION)
    log.rewrite(ministack_state.current_state())
    ministack_hooks.install(log)
    application: Application = app
    return application


def only_from_this_machine(application: Application) -> Application:
    """Refuse what a web page of somebody else could send here through a browser, and ministack's own paths."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if is_ours(scope["path"], headers.get("host", ""), headers.get("origin")):
            await application(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

    return guarded


class _Server(uvicorn.Server):
    """Announces itself when it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets:
            announce(port_of(sockets[0]))


def _serve(application: Application, door: socket.socket) -> None:
    # Ministack's own start-up is left out: it runs scripts it finds on the machine and opens further ports.
    config = uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=3600,  # clients keep connections; closing one just as it is used fails a request
        timeout_graceful_shutdown=1,
    )
    _Server(config).run(sockets=[door])


if __name__ == "__main__":
    main()
