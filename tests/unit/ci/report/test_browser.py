"""The page in a real browser (Debian's `chromium`): it fits, in its colours, and nothing is fetched or refused."""

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ci.report.document import Inputs, document
from ci.report.page import html

from .conftest import asked

pytestmark = pytest.mark.prove
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VIRTUAL_MS, PATIENCE = 6000, 60
BAD = {"light": "rgb(164, 14, 38)", "dark": "rgb(255, 143, 138)"}
SCHEMES = {"light": 1, "dark": 0}  # of Blink's setting
# Looks at the page from outside, as the page itself may run no script.
WATCHER = """<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<style>body{margin:0}iframe{border:0;width:WIDTHpx;height:4000px}</style>
<iframe src="/page"></iframe><pre id="seen"></pre><script>
document.querySelector("iframe").addEventListener("load", event => {
  const view = event.target.contentWindow, page = view.document;
  const stops = [...page.querySelectorAll("a,summary,[tabindex='0']")].filter(each => each.checkVisibility());
  document.getElementById("seen").textContent = JSON.stringify({
    text: page.body.innerText,
    wide: page.documentElement.scrollWidth - view.innerWidth,
    failed: view.getComputedStyle(page.querySelector("h1 .failed")).color,
    focused: stops.length && stops.every(each => (each.focus(), page.activeElement === each)),
    fetched: view.performance.getEntriesByType("resource").map(each => each.name),
  });
});
</script>"""


@pytest.fixture
def site(evil: Path) -> Iterator[str]:
    """The address of a server of the page at `/page`, and of its watcher at `/WIDTH`."""
    page = html(document(Inputs(evil), asked(image_megabytes=20.0)))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = page if self.path == "/page" else WATCHER.replace("WIDTH", self.path[1:])
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("width", [1280, 480])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_fits_in_its_colours_and_loads_nothing(site: str, tmp_path: Path, width: int, scheme: str) -> None:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert program is not None, "the page's test needs a browser: apt-get install chromium"
    result = subprocess.run(
        [
            program, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", f"--virtual-time-budget={VIRTUAL_MS}",
            "--enable-logging=stderr", "--dump-dom", f"{site}/{width}",
        ],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    assert [line for line in result.stderr.splitlines() if ":CONSOLE" in line] == []
    found = re.search('<pre id="seen">(.*?)</pre>', result.stdout, re.DOTALL)
    assert found is not None
    seen = json.loads(unescape(found[1]))
    assert seen["wide"] <= 0, "the page itself never scrolls sideways; its wide tables do"
    assert seen["failed"] == BAD[scheme]
    assert seen["focused"], "what can be opened or scrolled is reached by keyboard"
    assert [name for name in seen["fetched"] if not name.startswith("data:")] == []
    text = seen["text"]
    assert text.index("What failed") < text.index("tests.test_views.test_name") < text.index("Coverage by file")
    assert "a <script>alert(1)</script> cart" in text
