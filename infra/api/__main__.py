"""Write docs/asyncapi.json and docs/openapi.json: ``python -m infra.api``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.api.asyncapi import asyncapi
from infra.api.openapi import openapi

DOCS = Path(__file__).parents[2] / "docs"
DOCUMENTS = {"asyncapi.json": asyncapi, "openapi.json": openapi}


def written(document: Mapping[str, Any]) -> str:
    """Return a document as it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, made in DOCUMENTS.items():
        (DOCS / name).write_text(written(made()), encoding="utf-8")
