"""The page in a real browser (Debian's `chromium`), fed with documents: what it shows, and that it keeps up."""

import copy
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.local.page.page import HEADERS, html
from infra.local.page.services import stages

pytestmark = pytest.mark.prove
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VIRTUAL_MS, PATIENCE = 6000, 60
SERVICE: dict[str, Any] = {
    "name": "web<script>", "cluster": "demo", "status": "ACTIVE", "desired": 1, "running": 2, "pending": 0,
    "strategy": "CANARY", "events": [{"at": 1.0, "text": "(service web<script>) began"}],
    "tasks": [
        {"id": "abcdef0123456789", "status": "RUNNING", "health": "HEALTHY", "task_definition": "web:1",
         "image": "host/web@sha256:0123456789abcdef", "digest": None, "started": 2.0},
    ],
    "deployment": {
        "id": "one", "status": "IN_PROGRESS", "under_way": True, "reason": None, "rollback": None, "strategy": "CANARY",
        "started": 1.0, "finished": None, "stage": "BAKE_TIME", "stages": stages("BAKE_TIME", "IN_PROGRESS"),
        "hooks": [{"expires": 100.0, "action": "ROLLBACK"}],
        "revisions": [
            {"role": "source", "id": "1", "image": "web:1", "task_definition": "web:1", "group": "blue",
             "production": 90, "test": 0, "requested": 1, "running": 1},
            {"role": "target", "id": "2", "image": "web:2", "task_definition": "web:2", "group": "green",
             "production": 10, "test": 100, "requested": 1, "running": 1},
        ],
    },
}  # fmt: skip
RULE = {
    "arn": "r", "priority": "7", "conditions": ["path-pattern /api/*"],
    "action": {"kind": "forward", "groups": [{"name": "blue", "weight": 90, "percent": 90},
                                             {"name": "green", "weight": 10, "percent": 10}]},
}  # fmt: skip
LISTENER = {"port": 80, "protocol": "HTTP", "url": "http://127.0.0.1:8001", "rules": [RULE]}
TARGET = {"address": "10.0.0.1:8080", "state": "unhealthy", "reason": "Target.Timeout", "why": "Request timed out"}
VIEW: dict[str, Any] = {
    "endpoint": "http://127.0.0.1:4566", "now": 40.0, "minute": 1.0, "services": [SERVICE],
    "load_balancers": [{"name": "demo", "listeners": [LISTENER]}],
    "target_groups": [{"arn": "b", "name": "blue", "targets": [TARGET]}, {"arn": "g", "name": "green", "targets": []}],
}  # fmt: skip


class Site:
    """Serves the page, and one document after the other; the last one, or an error where it is None, stays."""

    def __init__(self) -> None:
        self.views: list[dict[str, Any] | None] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                view = site.next() if self.path == "/_cutover/view" else {}
                body = html() if self.path == "/" else json.dumps(view).encode()
                self.send_response(500 if view is None else 200)
                self.send_header("Content-Type", "text/html; charset=utf-8" if self.path == "/" else "application/json")
                for name, value in HEADERS.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self) -> dict[str, Any] | None:
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail("the page's test needs a browser: apt-get install chromium")
    return found


def dom(browser: str, site: Site, profile: Path, *views: dict[str, Any] | None) -> str:
    """The document after the page has asked for all views."""
    site.views = list(views)
    result = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
            f"--virtual-time-budget={VIRTUAL_MS}", "--enable-logging=stderr", "--dump-dom",
            f"http://127.0.0.1:{site.server.server_port}/",
        ],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    problems = [line for line in result.stderr.splitlines() if ":CONSOLE" in line and "500" not in line]
    assert problems == []
    return result.stdout.partition("<script>")[0]  # the script itself holds every sentence


def test_it_shows_all_of_the_document(browser: str, site: Site, tmp_path: Path) -> None:
    shown = dom(browser, site, tmp_path, VIEW)

    assert 'aria-label="Production traffic: blue 90 %, green 10 %"' in shown
    assert 'aria-label="Weights: blue 90 %, green 10 %"' in shown
    assert '<li class="current" aria-current="step">bake time</li>' in shown
    assert '<li class="done">✓ scale up</li>' in shown
    assert '<li class="ahead">clean up</li>' in shown
    assert "path-pattern /api/*" in shown
    assert "blue=90, green=10" in shown
    assert '<span class="badge bad">unhealthy</span><div class="soft">Request timed out</div>' in shown
    assert "Paused for a decision" in shown
    assert "s left" in shown
    assert "web@0123456789ab" in shown
    assert '<span class="live soft" id="live" role="status">live</span>' in shown


def test_a_text_is_never_markup(browser: str, site: Site, tmp_path: Path) -> None:
    shown = dom(browser, site, tmp_path, VIEW)

    assert "<h3>web&lt;script&gt;</h3>" in shown


def test_it_keeps_up_with_what_happens(browser: str, site: Site, tmp_path: Path) -> None:
    later = copy.deepcopy(VIEW)
    deployment = later["services"][0]["deployment"]
    deployment |= {"status": "SUCCESSFUL", "under_way": False, "stages": stages("CLEAN_UP", "SUCCESSFUL"), "hooks": []}
    deployment["revisions"][0]["production"], deployment["revisions"][1]["production"] = 0, 100

    shown = dom(browser, site, tmp_path, VIEW, later)

    assert 'aria-label="Production traffic: blue 0 %, green 100 %"' in shown
    assert '<li class="done">✓ clean up</li>' in shown
    assert "Paused for a decision" not in shown
    assert 'aria-live="polite" class="skip">web&lt;script&gt;: successful</p>' in shown


def test_it_says_when_nobody_answers_and_keeps_what_it_last_knew(browser: str, site: Site, tmp_path: Path) -> None:
    shown = dom(browser, site, tmp_path, VIEW, None)

    assert "not answering; trying again" in shown
    assert "path-pattern /api/*" in shown


def test_an_empty_instance_says_what_there_could_be(browser: str, site: Site, tmp_path: Path) -> None:
    shown = dom(browser, site, tmp_path, {**VIEW, "services": [], "load_balancers": [], "target_groups": []})

    assert "No services. Create one with CloudFormation or the ECS API." in shown
    assert "No load balancers." in shown
