"""How the pages of this machine look, and what they may do: nothing but look."""

import base64
import hashlib

STYLE = """
:root { color-scheme: light dark; --ink: #1b2726; --soft: #4d605d; --line: #dbe3e1; --back: #f5f7f6; --card: #fff;
  --strong: #0b665f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4ebe9; --soft: #a3b5b1; --line: #2c3836; --back: #111716;
  --card: #18201f; --strong: #6ccdc1; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink);
  background: var(--back); }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { font-size: 1.1rem; margin-top: 2rem; }
p.lead { margin-top: .25rem; color: var(--soft); } li { margin-bottom: 1rem; } a { color: var(--strong); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; font-weight: 600; }
th, td { padding: .3rem 1rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .75rem; overflow-x: auto; }
ul.people { list-style: none; padding: 0; display: grid; gap: .75rem; }
ul.people form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; padding: .9rem 1.1rem; }
ul.people li { margin: 0; } .who { flex: 1 1 14rem; } .who small { display: block; color: var(--soft); }
button { font: inherit; border-radius: 8px; padding: .5rem 1rem; border: 1px solid var(--strong);
  background: none; color: var(--strong); cursor: pointer; }
button:first-of-type { background: var(--strong); color: var(--card); }
.hidden { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); }
button:focus-visible { outline: 3px solid var(--strong); outline-offset: 2px; }
"""


def style_source(style: str) -> str:
    """Return what a content security policy calls exactly this style."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


_BASE = f"default-src 'none'; style-src {style_source(STYLE)}; base-uri 'none'; frame-ancestors 'none'"
POLICY = f"{_BASE}; form-action 'none'"
FORM_POLICY = f"{_BASE}; form-action 'self'"


def render_page(title: str, body: str) -> str:
    """Return a page; `body` is HTML."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<meta name=viewport content='width=device-width'><style>{STYLE}</style><main>{body}</main></html>"
    )
