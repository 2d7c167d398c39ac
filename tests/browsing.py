"""A real browser for pages: Debian's Chromium, driven by playwright, that reaches no network."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from debian import needs
from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium; the test is skipped where it cannot be had."""
    needs("chromium", "chromium")
    flags = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        yield browser
        browser.close()


@contextmanager
def opened(
    browser: Browser,
    path: Path,
    width: int = 1280,
    height: int = 900,
    hash: str = "",
    scheme: str = "light",
    touch: bool = False,
) -> Iterator[Page]:
    """The page in a window of its own, offline, at a hash. Fails when it writes an error to the console."""
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, offline=True, color_scheme=scheme, has_touch=touch)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.resolve().as_uri() + hash)
    yield page
    context.close()
    assert not errors, f"{path.name} wrote errors to the console: {errors}"
