"""The second engine process: moto's server behind a lock, on 127.0.0.1, in memory."""

from collections.abc import Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from infra.local import moto_lock
from infra.local.engine_child import LOOPBACK, announce, bind_door, die_with_parent, is_ours, port_of, read_arguments


class _Handler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections: a new one for every call takes longer than most calls

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing about requests that went well."""


def _only_from_this_machine(application: moto_lock.WsgiApplication) -> moto_lock.WsgiApplication:
    def guarded(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if is_ours(environ["PATH_INFO"], environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN")):
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Length", "0")])
        return []

    return guarded


def main() -> None:
    """Serve until the parent is gone; nothing is kept."""
    arguments = read_arguments()
    die_with_parent(arguments.parent_pid)
    door = bind_door(arguments.port)
    door.listen()
    application = _only_from_this_machine(moto_lock.serialised(DomainDispatcherApplication(create_backend_app)))
    server = make_server(
        LOOPBACK, port_of(door), application, threaded=True, request_handler=_Handler, fd=door.fileno()
    )
    announce(port_of(door))
    server.serve_forever()


if __name__ == "__main__":
    main()
