"""The page at `/shop/`: some company's site, in a look of its own, with the web chat on it as any site embeds it.

Its content security policy is as strict as the widget allows: what docs/channels/webchat.md tells sites is tried here.
"""

from collections.abc import Sequence
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.centre import Centre
from infra.local.page import style_source

STYLE = """
body { margin: 0; font: 18px/1.6 Georgia, "Noto Naskh Arabic", serif; color: #3b2a1a; background: #fbf3e6; }
header { background: #7a2e1d; color: #fff4e2; padding: 1.2rem 6vw; letter-spacing: .04em; }
main { max-width: 60rem; margin: auto; padding: 1rem 6vw 8rem; }
ul { list-style: none; padding: 0; display: grid; gap: 1.2rem;
  grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); }
li { background: #fff; border: 2px solid #e8d3b3; padding: 1rem 1.2rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.2rem; margin: 0; } p { margin: .4rem 0; }
button, div { all: revert; background: #7a2e1d !important; text-transform: uppercase; }
"""
SHELF: Sequence[tuple[str, str]] = (
    ("Router, blue", "For a flat of four rooms. 49.00"),
    ("Router, red", "For a house with thick walls. 79.00"),
    ("Long cable", "Twenty metres, flat, white. 12.50"),
)
LANGUAGES = {"en": "ltr", "ar": "rtl", "fa": "rtl", "id": "ltr"}


def shop_policy(files_origin: str) -> str:
    """Return what the shop's page may do: its own style, the widget's script, the API, files to the bucket."""
    return (
        f"default-src 'none'; script-src 'self'; style-src {style_source(STYLE)}; connect-src 'self' {files_origin}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types lit-html"
    )


def render_shop(account: str, language: str) -> str:
    """Return the page, which says that it is in one of `LANGUAGES`."""
    shelf = "".join(f"<li><h2>{name}</h2><p>{about}</p>" for name, about in SHELF)
    direction = LANGUAGES[language]
    return (
        f"<!doctype html><html lang={language} dir={direction}><meta charset=utf-8><title>The router shop</title>"
        f"<meta name=viewport content='width=device-width, initial-scale=1'><style>{STYLE}</style>"
        '<script src="/widget.js" async></script>'
        "<header><h1>The router shop</h1></header>"
        f"<main lang=en dir=ltr><p>Not a real shop: a page with the web chat on it.</p><ul>{shelf}</ul></main>"
        f'<throughline-chat account="{escape(account)}"></throughline-chat></html>'
    )


def shop_routes(centre: Centre, *, files_origin: str) -> list[BaseRoute]:
    """Return the routes under /shop; none where no web chat is configured. `?lang=` chooses the page's language."""
    accounts = [account.name for account in centre.accounts if account.channel == "webchat"]
    if not accounts:
        return []
    headers = {"Content-Security-Policy": shop_policy(files_origin), "Cache-Control": "no-store"}

    async def shop(request: Request) -> Response:
        language = request.query_params.get("lang", "en")
        page = render_shop(accounts[0], language if language in LANGUAGES else "en")
        return HTMLResponse(page, headers=headers)

    async def move(request: Request) -> Response:  # noqa: ARG001
        return RedirectResponse("/shop/", status_code=301)

    return [Route("/shop", move, methods=["GET"]), Route("/shop/", shop, methods=["GET"])]
