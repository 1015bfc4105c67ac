"""Which sockets were open, in a file: after a crash their $disconnect is still owed."""

import json
from pathlib import Path
from typing import Any

Facts = dict[str, Any]


class OpenConnections:
    """An append-only file of sockets that opened and closed. Survives `kill -9`, not the loss of power."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.abandoned = _still_open(path)
        self._file = path.open("w", encoding="utf-8")
        for connection_id, facts in self.abandoned.items():
            self.opened(connection_id, facts)

    def opened(self, connection_id: str, facts: Facts) -> None:
        """Remember an open socket and what its last event will say about it."""
        self._append([connection_id, facts])

    def closed(self, connection_id: str) -> None:
        """Forget it: its $disconnect was delivered."""
        self._append([connection_id, None])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _append(self, line: list[Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def _still_open(path: Path) -> dict[str, Facts]:
    found: dict[str, Facts] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            connection_id, facts = json.loads(line)
        except ValueError:
            continue  # torn by the crash
        if facts is None:
            found.pop(connection_id, None)
        else:
            found[connection_id] = facts
    return found
