"""The real server and the real browser, for tests and screenshots."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, Playwright, expect

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
READY = "[data-testid=stApp][data-test-script-state=notRunning]"
PATIENCE = 120_000  # milliseconds: a busy machine is slow, not broken
PAGES = {
    "": "Meta-Vote Studio",
    "map": "Task map",
    "votes": "Votes",
    "run": "Run",
    "compare": "Compare",
    "zoos": "Zoos",
}


@dataclass(frozen=True)
class Server:
    """A started server: its address, process id and log."""

    url: str
    pid: int
    log: Path


@contextmanager
def serving(home: Path, port: int | None = None, store: str | None = None) -> Iterator[Server]:
    """The dashboard as users start it, with a user folder of its own, on that port or any free one.

    store: the address of its run store, where that is not the one in the folder.
    """
    home.mkdir(parents=True, exist_ok=True)
    port, log = port or _free_port(), home / "server.log"
    command = [sys.executable, "-m", "streamlit", "run", "dashboard/app.py"]
    options = ["--server.headless", "true", "--server.port", str(port), "--server.address", "127.0.0.1"]
    environment = os.environ | {"METAVOTE_HOME": str(home)}
    environment.pop("METAVOTE_STORE", None)
    if store:
        environment["METAVOTE_STORE"] = store
    with log.open("wb") as output:
        process = subprocess.Popen(
            command + options, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _await_health(url, process, log)
        yield Server(url, process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:  # it waits for browsers that are still connected
            process.kill()
            process.wait()


def launched(playwright: Playwright) -> Browser:
    """Chromium of the system."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def opened(browser: Browser, url: str, scheme: str = "light", width: int = 1280, height: int = 900) -> Page:
    """A page of its own session at an address, ready."""
    expect.set_options(timeout=PATIENCE)
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": height})  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(url)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until the script has run and what it sent is drawn."""
    # `expect` asks again and again; `wait_for_selector` waits for animation frames, which a busy machine may not get.
    expect(page.locator(READY)).to_be_visible(timeout=PATIENCE)
    page.wait_for_timeout(300)
    expect(page.locator(READY)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE)  # widgets whose code is on its way


def sound(page: Page) -> None:
    """No exception and no error on the page."""
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def stop_workers(home: Path) -> None:
    """End the processes that work for that user folder, which outlive the server by design."""
    for process in psutil.process_iter(["cmdline"]):
        if not any(part.startswith("core.") for part in process.info["cmdline"] or ()):
            continue
        try:
            if process.environ().get("METAVOTE_HOME") == str(home):
                process.terminate()
        except psutil.Error:
            continue  # it has ended, or is another user's


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await_health(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')}")
