"""The page of evidence in a real browser (Debian's `chromium`): all is seen, fits, and comes from nowhere else."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ci.ecs.analysis import Minute, Tolerance, analyse
from ci.ecs.evidence import PASSED, Finding, Judgement
from ci.ecs.page import html
from ci.ecs.report import ROLLED_BACK, Report
from ci.ecs.shepherd import Stage

pytestmark = pytest.mark.prove

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VIRTUAL_MS, PATIENCE = 6000, 60
WIDTHS = (1280, 480)
DIGEST = f"sha256:{'0123456789abcdef' * 4}"
BLUE = [Minute(60.0 * at, 2000 + at, 3, 0.05, 0.1) for at in range(5)]
GREEN = [Minute(60.0 * at, 200 + at, 40, 0.05, 0.1) for at in range(5)]
# Looks at the page from outside, as the page itself has no script.
WATCHER = """<!doctype html><meta charset="utf-8">
<style>body{margin:0}iframe{border:0;width:WIDTHpx;height:4000px}</style>
<iframe src="/page"></iframe><pre id="seen"></pre><script>
document.querySelector("iframe").addEventListener("load", event => {
  const view = event.target.contentWindow, page = view.document, box = each => each.getBoundingClientRect();
  const all = [...page.querySelectorAll("h1,h2,td,th,pre,li,polyline")];
  document.getElementById("seen").textContent = JSON.stringify({
    text: page.body.innerText,
    wide: page.documentElement.scrollWidth - view.innerWidth,
    unseen: all.filter(each => box(each).width + box(each).height === 0 && each.textContent.trim()).length,
    lines: [...page.querySelectorAll("polyline")].map(each => [each.getAttribute("class"), box(each).width,
      view.getComputedStyle(each).stroke]),
    outcome: view.getComputedStyle(page.querySelector("h1 span")).color,
    failed: view.getComputedStyle(page.querySelector("td.failed")).color,
    fetched: view.performance.getEntriesByType("resource").map(each => each.name),
  });
});
</script>"""


def report() -> Report:
    """A canary that was rolled back, with all that a report can have."""
    told = Report("demo", "1.1.0", "abc", f"123456789012.dkr.ecr.eu-north-1.amazonaws.com/cutover@{DIGEST}")
    told.strategy, told.digest, told.outcome = "canary", DIGEST, ROLLED_BACK
    told.message = "The deployment of 1.1.0 was rolled back: <script>alert(1)</script>"
    told.service_deployment = "arn:aws:ecs:eu-north-1:123456789012:service-deployment/cutover-demo/cutover-demo/dep1"
    told.stages = [Stage("PRODUCTION_TRAFFIC_SHIFT", 300.0, 1000.0, 10.0), Stage("ROLLBACK_IN_PROGRESS", 1.5, 1300.0)]
    found = analyse(GREEN, BLUE, Tolerance())
    told.judgements = [
        Judgement("health", "POST_TEST_TRAFFIC_SHIFT", 0.0, 900.0, Finding(PASSED, "1 healthy target", {"healthy": 1})),
        Judgement("canary", "PRE_PRODUCTION_TRAFFIC_SHIFT", 10.0, 1300.0, found),
    ]
    told.minutes = {"green": GREEN, "blue": BLUE}
    told.notes, told.foreign_hands = ["a note"], ["somebody changed the wanted number of tasks from 1 to 7"]
    told.logs = ["abcdef01 Traceback", f"abcdef01 KeyError: {'x' * 300}"]
    return told


class Site:
    """Serves the page at /page, and at / what looks at it."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.pages.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write((body or "").encode())

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail("the page's test needs a browser: apt-get install chromium")
    return found


def seen(browser: str, site: Site, profile: Path, width: int) -> dict[str, Any]:
    """What the browser makes of the page at that width in pixels."""
    site.pages = {"/page": html(report().document()), "/": WATCHER.replace("WIDTH", str(width))}
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
            f"--virtual-time-budget={VIRTUAL_MS}", "--window-size=1600,1200", "--enable-logging=stderr", "--dump-dom",
            f"http://127.0.0.1:{site.server.server_port}/",
        ],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if ":CONSOLE" in line and "favicon" not in line] == []
    told = re.search(r'<pre id="seen">(.*?)</pre>', done.stdout, re.DOTALL)
    assert told and told.group(1), "the page was not loaded"
    found: dict[str, Any] = json.loads(unescape(told.group(1)))
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_all_of_it_is_seen_and_fits(browser: str, site: Site, tmp_path: Path, width: int) -> None:
    found = seen(browser, site, tmp_path, width)
    text = " ".join(found["text"].split())
    for part in (
        "deploy of 1.1.0 to demo: rolled-back", "PRODUCTION_TRAFFIC_SHIFT", "300 s", "10 %", "1 healthy target",
        "tolerated 2", "green requests 1010", "Requests a minute", "Errors a minute", "Latency, 90th percentile",
        "somebody changed the wanted number", "a note", "Traceback", "<script>alert(1)</script>",
    ):  # fmt: skip
        assert part in text
    assert (found["wide"], found["unseen"]) == (0, 0)


def test_both_sides_are_drawn_in_colours_of_their_own_and_failure_is_red(
    browser: str, site: Site, tmp_path: Path
) -> None:
    found = seen(browser, site, tmp_path, WIDTHS[0])
    assert sorted(side for side, _, _ in found["lines"]) == ["blue"] * 3 + ["green"] * 3
    assert all(width > WIDTHS[0] / 3 for _, width, _ in found["lines"])
    assert len({stroke for _, _, stroke in found["lines"]}) == 2
    assert found["outcome"] == found["failed"] == "rgb(164, 14, 38)"


def test_nothing_is_fetched(browser: str, site: Site, tmp_path: Path) -> None:
    assert seen(browser, site, tmp_path, WIDTHS[0])["fetched"] == []
