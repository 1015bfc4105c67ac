"""What the tests of desk and widget share: how long they wait, and what hostile people write."""

import time
from collections.abc import Callable
from typing import Any

ATTACKS = [
    "<script>window.attacked = 1</script>",
    "<img src=x onerror='window.attacked = 1'>",
    "<svg onload=alert(1)>",
    "<a href='javascript:alert(1)'>click</a>",
    "javascript:alert(1)",
    "${alert(1)} {{constructor.constructor('alert(1)')()}}",
    '"><iframe srcdoc="<script>parent.attacked=1</script>">',
    "\u202ehttps://evil.example/\u202c https://bank.example@evil.example/ data:text/html,<script>alert(1)</script>",
]


def until(look: Callable[[], Any], what: str) -> Any:
    """Return what `look` finds as soon as it finds something."""
    deadline = time.monotonic() + 45
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.1)
    return found
