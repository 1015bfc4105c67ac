"""Run as `python -I -S invoke_like_lambda.py`: be Lambda for one function.

Standard input says `folders` to import from, `handler` and `events`; standard output is what each event was answered,
which operations of AWS were called, and where every imported module came from. Nothing of the project or its virtual
environment can be imported.
"""

import contextlib
import importlib
import json
import sys
from typing import Any

CONTEXT = None


def main() -> None:
    """Import the handler, call it with each event, and have it build what it needs on first use."""
    asked = json.load(sys.stdin)
    standard_library = list(sys.path)
    sys.path[:] = [*asked["folders"], *standard_library]
    with contextlib.redirect_stdout(sys.stderr):  # what a function prints is its log
        operations = _recorded()
        handler = _imported(asked["handler"])
        answers = [handler(event, CONTEXT) for event in asked["events"]]
        importlib.import_module("functions._wiring").world()
        for module in asked.get("also", []):
            importlib.import_module(module)
    json.dump({"answers": answers, "operations": operations, "origins": _origins(standard_library)}, sys.stdout)


def _imported(handler: str) -> Any:
    module, _, name = handler.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _recorded() -> list[str]:
    """Return a list to which every operation of AWS that is called from now on is added, as ``dynamodb:GetItem``."""
    client = _imported("botocore.client.BaseClient")
    operations: list[str] = []
    call = client._make_api_call

    def recording(self: Any, operation: str, parameters: Any) -> Any:
        operations.append(f"{self.meta.service_model.service_name}:{operation}")
        return call(self, operation, parameters)

    client._make_api_call = recording
    return operations


def _origins(standard_library: list[str]) -> list[str]:
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return sorted({file for file in files if file and not file.startswith((*standard_library, __file__))})


if __name__ == "__main__":
    main()
