"""The built files of desk and widget, served as CloudFront serves them: with the headers that keep the desk safe."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from infra.desk_headers import content_security_policy, security_headers
from infra.local.page import POLICY, render_page

ASSETS = "assets/"
WIDGET = "widget.js"
FOREVER = "public, max-age=31536000, immutable"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
NOT_BUILT = (
    "<h1>The desk is not built</h1><p>Its packages come from the npm registry, which could not be reached when this "
    "stack was started. Everything else works. Run <code>make desk</code> once there is a network, then load this page "
    "again.</p>"
)


class DeskFiles:
    """Serves `built`, the directory Vite wrote. Files may appear while the stack runs."""

    def __init__(self, built: Path, configuration: Mapping[str, Any], *, files_origin: str) -> None:
        self._built = built.resolve()
        self._configuration = configuration
        policy = content_security_policy([], [files_origin])
        self._headers = security_headers(policy)

    def routes(self) -> list[BaseRoute]:
        """Return the routes under /desk, and the widget's script."""
        return [
            Route(f"/{WIDGET}", self._widget, methods=["GET"]),
            Route("/desk", self._move, methods=["GET"]),
            Route("/desk/config.json", self._configure, methods=["GET"]),
            Route("/desk/{path:path}", self._serve, methods=["GET"]),
        ]

    async def _move(self, request: Request) -> Response:  # noqa: ARG002
        return RedirectResponse("/desk/", status_code=HTTPStatus.MOVED_PERMANENTLY)

    async def _configure(self, request: Request) -> Response:  # noqa: ARG002
        return JSONResponse(dict(self._configuration), headers={**self._headers, "Cache-Control": "no-store"})

    async def _widget(self, request: Request) -> Response:  # noqa: ARG002
        return self._file(WIDGET)

    async def _serve(self, request: Request) -> Response:
        return self._file(request.path_params["path"] or "index.html")

    def _file(self, path: str) -> Response:
        file = (self._built / path).resolve()
        if not file.is_relative_to(self._built) or not file.is_file():
            return self._missing(path)
        cache = FOREVER if path.startswith(ASSETS) else "no-cache"
        media_type = TYPES.get(file.suffix, "application/octet-stream")
        return FileResponse(file, media_type=media_type, headers={**self._headers, "Cache-Control": cache})

    def _missing(self, path: str) -> Response:
        if path == "index.html":
            page = render_page("The desk is not built", NOT_BUILT)
            return HTMLResponse(page, HTTPStatus.SERVICE_UNAVAILABLE, {"Content-Security-Policy": POLICY})
        return JSONResponse({"error": "not_found"}, HTTPStatus.NOT_FOUND, dict(self._headers))
