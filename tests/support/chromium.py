"""A real browser: Debian's Chromium, driven by Playwright on the event loop of the tests.

``python -m tests.support.chromium [pytest arguments]`` runs pytest with it and installs it first where
it is missing (with apt-get, as root).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright

PROGRAM = "chromium"
# Nothing but what the tests ask for leaves the browser.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE, DESK = (360, 740), (1280, 900)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The running browser; each context in it is a fresh profile."""
    program = shutil.which(PROGRAM)
    assert program, f"{PROGRAM} is not installed: make test-pages installs it"
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield running
        await running.close()


@pytest.fixture
async def profile(chromium, gateway):
    """Opens profiles of a size and language, with or without script; closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def opened(
            size: tuple[int, int] = PHONE, *, language: str = "en", script: bool = True
        ) -> BrowserContext:
            width, height = size
            context = await chromium.new_context(
                base_url=gateway.url,
                viewport={"width": width, "height": height},
                locale=language,
                java_script_enabled=script,
                has_touch=width < 600,
                is_mobile=width < 600,
            )
            context.set_default_timeout(10_000)
            stack.push_async_callback(context.close)
            return context

        yield opened


def install_missing() -> None:
    if shutil.which(PROGRAM):
        return
    if os.geteuid() != 0:
        sys.exit(f"{PROGRAM} is missing: apt-get install {PROGRAM}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", PROGRAM]):
        subprocess.run(["apt-get", "-q", *command], check=True, env=environment, stdout=subprocess.DEVNULL)


def main(arguments: list[str]) -> int:
    install_missing()
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
