"""docs/data-model.md tells every access pattern that the stores have, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
STORE = ROOT / "layers" / "core" / "python" / "throughline" / "store"
DATA_MODEL = ROOT / "docs" / "data-model.md"
ID = re.compile(r"([A-Z]\d+)\. ")
ROW = re.compile(r"^\| ([A-Z]\d+) \| ([^|]+) \|", re.MULTILINE)


def _methods() -> Iterator[tuple[str, str, str]]:
    """Yield class, method and docstring of everything in the stores."""
    for source in sorted(STORE.glob("*.py")):
        for node in ast.parse(source.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef):
                        yield node.name, method.name, ast.get_docstring(method) or ""


def _documented() -> list[tuple[str, str]]:
    return [(row[0], row[1].strip()) for row in ROW.findall(DATA_MODEL.read_text(encoding="utf-8"))]


def test_every_access_pattern_is_documented_once_under_its_method() -> None:
    told = _documented()
    found = [(match[1], name) for _, name, text in _methods() if (match := ID.match(text))]

    assert sorted(pattern for pattern, _ in found) == sorted(pattern for pattern, _ in told)
    for pattern, name in found:
        if not name.startswith("_"):
            assert dict(told)[pattern] == name


def test_every_method_of_a_store_is_an_access_pattern() -> None:
    without = [
        f"{owner}.{name}"
        for owner, name, text in _methods()
        if owner.startswith("Dynamo") and not name.startswith("_") and not ID.match(text)
    ]

    # Questions about the configuration are all answered from S1.
    assert [name for name in without if not name.startswith("DynamoSettings.")] == []
