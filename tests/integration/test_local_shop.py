"""The shop with the web chat on it: what its page allows, and in which languages it is."""

from collections.abc import Iterator

import pytest
import urllib3

from infra.local.centre import Account, Centre
from infra.local.shop_page import shop_routes
from tests.integration.local_edges import served

HTTP = urllib3.PoolManager(retries=False)
FILES = "http://127.0.0.1:4566"


def account(channel: str) -> Account:
    return Account(channel=channel, name=f"{channel}-1", address="a", queue="support", secrets={})


@pytest.fixture
def shop() -> Iterator[str]:
    centre = Centre(accounts=[account("telegram"), account("webchat")], agents=[], issuer=None)
    with served(shop_routes(centre, files_origin=FILES)) as url:
        yield f"{url}/shop/"


def test_the_shop_has_the_widget_of_the_web_chat_account_under_a_strict_policy(shop: str) -> None:
    page = HTTP.request("GET", shop)
    assert b'<script src="/widget.js" async></script>' in page.data
    assert b'<throughline-chat account="webchat-1"></throughline-chat>' in page.data
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'sha256-" in policy
    assert f"connect-src 'self' {FILES};" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", b"<html lang=en dir=ltr>"),
        ("?lang=ar", b"<html lang=ar dir=rtl>"),
        ("?lang=><b", b"<html lang=en dir=ltr>"),
    ],
)
def test_the_page_is_in_the_language_that_is_asked_for(shop: str, query: str, expected: bytes) -> None:
    assert expected in HTTP.request("GET", shop + query).data


def test_without_a_web_chat_there_is_no_shop() -> None:
    assert shop_routes(Centre(accounts=[account("telegram")], agents=[], issuer=None), files_origin=FILES) == []
