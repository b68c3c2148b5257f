"""Debian's Chromium, as every test with a browser starts it."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Playwright, expect

CHROMIUM = "/usr/bin/chromium"
MISSING = f"no browser at {CHROMIUM}"
# A busy machine is slow, not wrong.
expect.set_options(timeout=20_000)


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Start it without 3D, as on a machine without a graphics card: the page must not need it."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-3d-apis"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
    yield browser
    browser.close()
