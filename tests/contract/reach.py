"""What a function can reach of the world, read from the code: where its calls may lead, and the ports used there."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (
    (ROOT, "functions"),
    (ROOT / "layers/core/python", "throughline/flows"),
)
WORLD = "world"

Place = tuple[str, str]  # module, name of a function, class or constant of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """The top level of a module: what it defines, and where what it imports comes from."""

    defined: dict[str, ast.stmt]
    imported: dict[str, Place]


def uses_from(*entries: Place) -> set[tuple[str, str]]:
    """Return every (port, method) of World that a call of `entries` may lead to; ``*`` where a port is passed on."""
    return {use for place in reached_from(*entries) for use in _uses(_node(place))}


def reached_from(*entries: Place) -> set[Place]:
    """Return every place of functions and flows that a call of one of `entries` may lead to."""
    seen: set[Place] = set()
    waiting = list(entries)
    while waiting:
        place = waiting.pop()
        if place not in seen and _node(place) is not None:
            seen.add(place)
            waiting += _references(place)
    return seen


def routes_of(module: str) -> list[Place]:
    """Return the functions of a module that answer HTTP routes."""
    return [(module, name) for name, node in _modules()[module].defined.items() if _is_route(node)]


def _is_route(node: ast.stmt) -> bool:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return any(isinstance(part, ast.Attribute) and part.attr == "route" for d in decorators for part in ast.walk(d))


def _node(place: Place) -> ast.stmt | None:
    module = _modules().get(place[0])
    return module.defined.get(place[1]) if module else None


def _references(place: Place) -> Iterator[Place]:
    module = _modules()[place[0]]
    for part in ast.walk(module.defined[place[1]]):
        if isinstance(part, ast.Name) and part.id != WORLD:
            yield module.imported.get(part.id, (place[0], part.id))


def _uses(node: ast.stmt | None) -> Iterator[tuple[str, str]]:
    if node is None:
        return
    called = {id(part.value) for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    for part in ast.walk(node):
        if not isinstance(part, ast.Attribute):
            continue
        if isinstance(part.value, ast.Attribute) and _is_world(part.value.value):
            yield part.value.attr, part.attr
        elif _is_world(part.value) and id(part) not in called:
            yield part.attr, "*"


def _is_world(node: ast.expr) -> bool:
    named = node.func if isinstance(node, ast.Call) else node
    return isinstance(named, ast.Name) and named.id == WORLD


@cache
def _modules() -> dict[str, Module]:
    return {
        ".".join(path.relative_to(root).with_suffix("").parts): _module(ast.parse(path.read_text()))
        for root, folder in SOURCES
        for path in sorted((root / folder).rglob("*.py"))
    }


def _module(tree: ast.Module) -> Module:
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return Module(
        defined={name: node for node in tree.body for name in _names_of(node)},
        imported={
            alias.asname or alias.name: (str(node.module), alias.name) for node in imports for alias in node.names
        },
    )


def _names_of(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Assign(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
