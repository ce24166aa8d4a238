"""The evidence: kept whichever way a deployment ends, one document and one page, added to by the next runner."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from ci.ecs import errors
from ci.ecs.analysis import Minute
from ci.ecs.evidence import Finding, Judgement
from ci.ecs.kept import Shelf
from ci.ecs.names import Names
from ci.ecs.page import html
from ci.ecs.report import Report

Bench = Any  # see bench.py
NAMES = Names("cutover", "demo")
VOID = {"meta"}


class Page(HTMLParser):
    """Tags that are balanced, every address that is referred to, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def kept(bench: Bench) -> dict[str, Any]:
    Shelf(bench.world.aws, NAMES).keep(bench.told)
    return json.loads(bench.world.rest.objects["deployments/dep1001.json"])  # type: ignore[no-any-return]


def test_a_deployment_that_was_rolled_back_leaves_document_and_page(live: Bench) -> None:
    live.site.answers[(8080, "/")] = (500, "Oops <b>")
    live.refused("1.1.0", errors.RolledBack)
    assert kept(live)["outcome"] == "rolled-back"
    assert live.told.kept == "s3://evidence/deployments/dep1001"
    page = Page(live.world.rest.objects["deployments/dep1001.html"].decode())
    assert page.addresses == []
    assert "rolled-back" in page.text and "Oops <b>" in page.text and "POST_TEST_TRAFFIC_SHIFT" in page.text


def test_the_page_shows_both_sides_and_logs() -> None:
    told = Report("demo", "1.1.0", "abc", "image", begun=60.0)
    told.minutes = {"green": [Minute(60, 5, 1, 0.1, 0.2), Minute(120, 9)], "blue": [Minute(60, 50, 0, 0.1, 0.3)]}
    told.logs = ["</pre>Traceback"]
    told.judgements.append(Judgement("canary", "S", 10.0, 60.0, Finding("failed", "slow", {"requests": 5})))
    text = html(told.document())
    assert text.count("<svg") == 3 and text.count("<polyline") == 6
    assert "</pre>Traceback" in Page(text).text and "requests 5" in Page(text).text


def test_a_runner_that_takes_over_adds_to_what_was_written(live: Bench) -> None:
    live("1.1.0")
    first = len(kept(live)["judgements"])
    live.told = Report("demo", "1.1.0", "abc", "image", service_deployment=live.told.service_deployment)
    assert len(kept(live)["inherited"]["judgements"]) == first
    Shelf(live.world.aws, NAMES).keep(live.told)
    assert kept(live)["inherited"]["judgements"] and not kept(live)["judgements"]


def test_what_cannot_be_kept_is_a_note_and_no_failure(live: Bench) -> None:
    live("1.1.0")
    live.world.clients["s3"].faults["put_object"] = [live.world.error("PutObject", "AccessDenied")]
    Shelf(live.world.aws, NAMES).keep(live.told)
    assert live.told.kept == "" and "AccessDenied" in live.told.notes[-1]
    del live.world.cfn.stacks["cutover-demo-evidence"]
    Shelf(live.world.aws, NAMES).keep(live.told)
    assert "run `provision`" in live.told.notes[-1]


def test_documents_are_read_back_and_what_is_none_is_passed_over(live: Bench) -> None:
    live("1.1.0")
    kept(live)
    live.world.rest.objects["deployments/zzz.json"] = b"no JSON"
    documents = list(Shelf(live.world.aws, NAMES).documents())
    assert [each["version"] for each in documents] == ["1.1.0"]


@pytest.mark.parametrize("missing", [True, False])
def test_no_bucket_no_documents(world: Any, missing: bool) -> None:
    if not missing:
        world.cfn.add("cutover-demo-evidence")
    assert list(Shelf(world.aws, NAMES).documents()) == []
