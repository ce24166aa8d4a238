"""The page: failures before all else, everything of the document, no script, headings and tables that can be heard."""

import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ci.report.__main__ import main
from ci.report.document import Inputs, document
from ci.report.page import html, markdown, percent, seconds

from .conftest import asked


class Structure(HTMLParser):
    """The page's elements in order, and the text of its headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self._heading = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._heading = bool(re.fullmatch("h[1-6]", tag)) or (self._heading and tag == "span")
        if self._heading and tag != "span":
            self.headings.append((int(tag[1]), ""))

    def handle_data(self, data: str) -> None:
        if self._heading:
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)

    def handle_endtag(self, tag: str) -> None:
        self._heading = self._heading and tag == "span"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


@pytest.fixture
def evil_page(evil: Path) -> str:
    return html(document(Inputs(evil), asked(image_megabytes=20.0)))


def test_failures_come_first_gates_then_stages_then_tests_then_findings(evil_page: str) -> None:
    places = [
        evil_page.index(text)
        for text in (
            ">What failed</h2>", "Gate: pass rate", "Gate: coverage", "Gate: image size",
            "<strong>lint</strong>", "<strong>test</strong>",
            "Test: tests.test_views.test_name", "imported but unused", ">Stages</h2>", ">Coverage</h2>",
        )
    ]  # fmt: skip
    assert places == sorted(places)


def test_a_clean_report_says_so_and_what_was_not_looked_at(clean: Path) -> None:
    page = html(document(Inputs(clean), asked()))
    assert ">Nothing failed</h2>" in page
    assert "Not looked at: types (there are no settings of mypy); scan (this report has no scan)." in page
    assert "None of lint." in page
    assert "None was made: this report has no scan." in page


def test_what_comes_from_the_repository_is_text_and_never_markup(evil_page: str) -> None:
    assert "AssertionError &lt;b&gt;" in evil_page
    assert "&lt;script&gt;alert(1)" in evil_page
    assert "<script" not in evil_page
    assert 'href="javascript' not in markdown("[x](javascript:alert(1))")


def test_nothing_is_loaded(evil_page: str) -> None:
    """Offline as well as online: no address but anchors of the page, no script, and the browser is told so."""
    structure = Structure(evil_page)
    links = [attrs.get(name) or "" for _, attrs in structure.elements for name in ("href", "src") if name in attrs]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "url(" not in evil_page
    assert "@import" not in evil_page
    assert any("default-src 'none'" in (meta.get("content") or "") for meta in structure.all("meta"))


def test_it_can_be_heard_and_walked(evil_page: str) -> None:
    """Landmarks, one h1, no level left out, each table with a caption and headers that say of what; each link's target
    is there."""
    structure = Structure(evil_page)
    assert [len(structure.all(tag)) for tag in ("header", "nav", "main", "footer", "h1")] == [1, 1, 1, 1, 1]
    levels = [level for level, _ in structure.headings]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert len(structure.all("caption")) == len(structure.all("table"))
    assert all(header.get("scope") in ("col", "row") for header in structure.all("th"))
    ids = {attrs["id"] for _, attrs in structure.elements if "id" in attrs}
    assert {(link["href"] or "").lstrip("#") for link in structure.all("a")} <= ids
    assert all(attrs["aria-labelledby"] in ids for attrs in structure.all("section"))


def test_the_page_is_made_of_the_json_beside_it(evil: Path, tmp_path: Path) -> None:
    given = tmp_path / "asked.json"
    given.write_text(json.dumps(asked(), default=vars))
    main(given, evil)
    made = json.loads((evil / "report.json").read_text())
    assert made["verdict"] == "failed"
    assert (evil / "index.html").read_text() == html(made)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.04, "0.0 s"), (59.94, "59.9 s"), (60.0, "1 min 0 s"), (119.9, "1 min 59 s")]
)
def test_durations(value: float | None, text: str) -> None:
    assert seconds(value) == text


def test_only_all_is_100_percent() -> None:
    assert (percent(99.99), percent(100.0), percent(0.0)) == ("99.9 %", "100 %", "0 %")
