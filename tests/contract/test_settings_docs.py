"""The variables of the environment, their page, and the template that sets them, hold together."""

import json
import re
from dataclasses import MISSING, fields
from pathlib import Path

from throughline.settings import Environment, variable_of

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| `([A-Z_]+)` \| *(.*?) *\| (.+) \|$", re.MULTILINE)
_SET_BY_LAMBDA = {"AWS_REGION"}


def documented() -> dict[str, str]:
    """Return each documented variable with its default."""
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    return {name: default.strip("`") for name, default, _ in _ROW.findall(page)}


def test_every_variable_is_on_the_page_with_its_default_and_no_other_is() -> None:
    defaults = {
        variable_of(item): "" if item.default is MISSING else str(item.default) or "none"
        for item in fields(Environment)
    }
    assert documented() == defaults


def test_the_template_sets_every_variable_that_has_no_default_and_none_that_nobody_reads() -> None:
    template = json.loads((ROOT / "infra" / "resources.json").read_text(encoding="utf-8"))
    given = set(template["Globals"]["Function"]["Environment"]["Variables"])
    required = {name for name, default in documented().items() if not default}
    assert required - given <= _SET_BY_LAMBDA
    assert {name for name in given if not name.startswith("POWERTOOLS_")} <= set(documented())
