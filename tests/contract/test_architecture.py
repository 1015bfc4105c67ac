"""The shape of the house: who may import whom, how long an entry point may be, where everything stops."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.reach import ROOT, routes_of

CORE = ROOT / "layers/core/python"
FUNCTIONS = ROOT / "functions"
MOST_LINES = 60
MOST_LINES_A_ROUTE = 15
DEPLOYED = [ROOT / "app.py", *sorted(FUNCTIONS.glob("*.py")), *sorted((CORE / "throughline").rglob("*.py"))]
DOMAIN = sorted((CORE / "throughline/domain").rglob("*.py"))
CLOCKS = {"time", "monotonic", "time_ns", "now", "utcnow", "today"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_run_one_way() -> None:
    path = {"PYTHONPATH": f"{ROOT}:{CORE}"}
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", sorted(FUNCTIONS.glob("[!_]*.py")), ids=named)
def test_an_entry_point_decodes_calls_and_encodes_and_is_short(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    routes = len(routes_of(f"functions.{path.stem}"))
    assert len(lines) <= max(MOST_LINES, MOST_LINES_A_ROUTE * routes)


def test_the_app_registers_blueprints_and_nothing_else() -> None:
    tree = ast.parse((ROOT / "app.py").read_text())
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.If)]
    assert len((ROOT / "app.py").read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", DOMAIN, ids=named)
def test_the_domain_knows_the_standard_library_alone(path: Path) -> None:
    foreign = {name for name in imported(path) if name.split(".")[0] not in sys.stdlib_module_names}
    assert not {name for name in foreign if not name.startswith("throughline.domain")}


@pytest.mark.parametrize("path", DOMAIN, ids=named)
def test_the_domain_does_no_input_or_output_and_has_no_clock(path: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    called = {function.attr for function in calls if isinstance(function, ast.Attribute)}
    assert not called & CLOCKS
    assert not {name.split(".")[0] for name in imported(path)} & {"os", "socket", "time", "random", "secrets", "urllib"}


@pytest.mark.parametrize("path", DEPLOYED, ids=named)
def test_nothing_deployed_knows_what_stays_at_home(path: Path) -> None:
    assert not {name for name in imported(path) if name.split(".")[0] in {"infra", "tests"}}


@pytest.mark.parametrize("path", [path for path in DEPLOYED if path != FUNCTIONS / "_edges.py"], ids=named)
def test_errors_nobody_foresaw_stop_in_one_place(path: Path) -> None:
    assert not [handler.lineno for handler in handlers(path) if is_of_everything(handler)]


@pytest.mark.parametrize("path", sorted(FUNCTIONS.glob("*.py")), ids=named)
def test_only_the_wiring_introduces_the_flows_to_stores_and_aws(path: Path) -> None:
    inside = ("throughline.store", "throughline.channels", "throughline.aws.", "botocore", "boto3", "pynamodb")
    allowed = {"_edges.py": {"throughline.aws.queues"}}  # a record's body may stand in the bucket
    known = {name for name in imported(path) if name.startswith(inside)}
    assert path.name == "_wiring.py" or known <= allowed.get(path.name, set())


def imported(path: Path) -> Iterator[str]:
    """Return every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def handlers(path: Path) -> Iterator[ast.ExceptHandler]:
    """Return every except clause of a file."""
    return (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler))


def is_of_everything(handler: ast.ExceptHandler) -> bool:
    """Return whether an except clause takes whatever comes."""
    caught = [] if handler.type is None else [node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)]
    return handler.type is None or bool({"Exception", "BaseException"} & set(caught))
