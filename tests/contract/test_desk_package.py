"""The desk's packages: pinned by content, with no address of anybody's registry in them."""

import json

import pytest

from infra.desk_config import WIDGET_PLACE, desk_config, told_widget
from infra.desk_lock import LOCK, without_addresses
from infra.local.deployed import ROOT


def test_the_lock_names_no_address_and_pins_every_package_by_its_content() -> None:
    lock = json.loads(LOCK.read_text())
    assert "://" not in LOCK.read_text()
    assert [path for path, package in lock["packages"].items() if path and "integrity" not in package] == []
    assert lock == without_addresses(lock)


def test_the_desk_pins_the_versions_it_names_itself() -> None:
    package = json.loads((LOCK.parent / "package.json").read_text())
    named = {**package.get("dependencies", {}), **package["devDependencies"]}
    assert [version for version in named.values() if not version[0].isdigit()] == []


def test_a_deployed_desk_is_told_where_its_apis_are() -> None:
    outputs = {"ApiUrl": "https://a.test/api", "SocketsUrl": "wss://b.test/api"}
    assert desk_config(outputs, "https://id.test", "client", "openid") == {
        "issuer": "https://id.test",
        "client_id": "client",
        "scope": "openid",
        "api": "https://a.test/api",
        "socket": "wss://b.test/api",
    }


def test_a_deployed_widget_is_told_where_the_api_is() -> None:
    assert told_widget(f"const t={{api:{WIDGET_PLACE}}}", "https://a.test/api") == 'const t={api:"https://a.test/api"}'
    assert (ROOT / "desk/src/widget/main.ts").read_text().count(WIDGET_PLACE) == 1
    for script in ("const t={}", WIDGET_PLACE * 2):
        with pytest.raises(ValueError, match="once"):
            told_widget(script, "https://a.test/api")
