"""Whether what somebody gave as an address is one."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9a-f:]+")


def is_web_address(text: str) -> bool:
    """Return whether a service could be reached at `text`: http or https, a host, perhaps a port and a path."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    named = _HOST.fullmatch(parts.hostname or "") is not None and port != 0
    plain = not (parts.query or parts.fragment or parts.username or re.search(r"\s", text))
    return parts.scheme in {"http", "https"} and named and plain
