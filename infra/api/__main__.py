"""Write docs/asyncapi.json, docs/openapi.json and the desk's types from them: ``python -m infra.api``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.api.asyncapi import asyncapi
from infra.api.openapi import openapi
from infra.api.typescript import typescript

DOCS = Path(__file__).parents[2] / "docs"
TYPES = DOCS.parent / "desk/src/client/api.ts"
DOCUMENTS = {"asyncapi.json": asyncapi, "openapi.json": openapi}


def written(document: Mapping[str, Any]) -> str:
    """Return a document as it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, made in DOCUMENTS.items():
        (DOCS / name).write_text(written(made()), encoding="utf-8")
    TYPES.write_text(typescript(), encoding="utf-8")
