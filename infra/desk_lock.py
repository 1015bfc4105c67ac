"""`python -m infra.desk_lock`: take the addresses out of desk/package-lock.json that npm writes for its own adverts."""

import json
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "desk/package-lock.json"
_ADDRESSES = frozenset({"funding", "resolved"})


def without_addresses(lock: Any) -> Any:
    """Return the lock without them; what is left (versions, integrity, dependencies) is what `npm ci` goes by."""
    packages = {
        path: {key: value for key, value in package.items() if key not in _ADDRESSES}
        for path, package in lock["packages"].items()
    }
    return {**lock, "packages": packages}


if __name__ == "__main__":
    LOCK.write_text(json.dumps(without_addresses(json.loads(LOCK.read_text())), indent=2) + "\n")
    sys.exit(0)
