"""The console's pages as people see them: on a small screen, without JavaScript, by keyboard, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from simulated_phone import Gateway, Phone

from gateway.console.login import one_time_link

PAGES = (
    "/",
    "/flows/health",
    "/flows/water/source",
    "/queue",
    "/campaigns",
    "/receipt",
    "/reports",
    "/reports?format=sms",
    "/events",
    "/nowhere",
)
CONTRAST = """() => {
    const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const colour = (text) => text.match(/[\\d.]+/g).map(Number);
    const behind = (node) => {
        for (; node; node = node.parentElement) {
            const found = colour(getComputedStyle(node).backgroundColor);
            if (found.length === 3 || found[3] === 1) return found;
        }
        return [255, 255, 255];
    };
    const poor = [];
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
        const clear = node.closest("[class*=bg], .handset, .hush, .skip, option") === null;
        if (!own || !clear || !node.getClientRects().length) continue;
        const [one, two] = [light(colour(getComputedStyle(node).color)), light(behind(node))];
        const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
        if (ratio < 4.5) poor.push(`${node.tagName}.${node.className} ${ratio.toFixed(2)} ${node.innerText}`);
    }
    return poor;
}"""


@pytest.fixture(scope="module")
def told(gateway: Gateway, browser: Any) -> Any:
    """Have one citizen speak, so that pages have something to show; return an operator's cookies."""
    context = browser.new_context()
    phone = Phone(gateway, context)
    phone.dial()
    for reply in ("3", "1", "1", "1", "2", "30", "1", "0", "Un texte libre", "Oujda"):
        phone.reply(reply)
    phone.page.goto(one_time_link(gateway.project, gateway.url))
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture(params=["fr", "ar"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["light", "dark"])
def small(request: pytest.FixtureRequest, browser: Any, told: Any) -> Iterator[Any]:
    """A telephone's browser, signed in."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=request.param, storage_state=told
    )
    yield context.new_page()
    context.close()


def test_pages_fit_a_small_screen_and_can_be_read(gateway: Gateway, small: Any, language: str) -> None:
    """No page is wider than the screen; all text stands out from its ground (WCAG 2.2, 1.4.3)."""
    for path in PAGES:
        small.goto(f"{gateway.url}{path}{'&' if '?' in path else '?'}lang={language}")
        assert small.evaluate("document.documentElement.scrollWidth") <= 360, path
        assert small.evaluate(CONTRAST) == [], path


def test_every_field_has_a_name(gateway: Gateway, small: Any) -> None:
    for path in PAGES:
        small.goto(gateway.url + path)
        unnamed = small.evaluate(
            """() => [...document.querySelectorAll("input:not([type=hidden]), select, button")]
                .filter((one) => !one.labels?.length && !one.ariaLabel && !one.innerText.trim())
                .map((one) => one.outerHTML)"""
        )
        assert unnamed == [], path


def test_all_but_the_phone_works_without_javascript(gateway: Gateway, browser: Any, told: Any) -> None:
    context = browser.new_context(java_script_enabled=False, storage_state=told)
    page = context.new_page()
    page.goto(gateway.url)
    assert "a besoin de JavaScript" in page.content()
    page.click("#flow-health details summary")
    assert page.is_visible("#flow-health details .bars")
    page.click("text=Rapports")
    page.select_option("[name=period]", "today")
    page.select_option("[name=language]", "ar")
    page.click("text=Voir")
    framed = page.frame_locator("iframe.paper")
    assert framed.locator("html").get_attribute("dir") == "rtl"
    page.click("text=Quitter")
    assert page.locator("a.enter").is_visible()
    context.close()


def test_the_password_is_asked_and_taken_by_keyboard(gateway: Gateway, browser: Any) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{gateway.url}/queue")
    page.locator("#password:focus").wait_for()
    page.keyboard.type(gateway.password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{gateway.url}/queue")
    assert page.is_visible("h1:has-text('File')")
    context.close()


def test_the_focus_can_be_seen(gateway: Gateway, browser: Any, told: Any) -> None:
    context = browser.new_context(storage_state=told)
    page = context.new_page()
    page.goto(f"{gateway.url}/events")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    context.close()
