"""The report's document as one page: no script, nothing loaded from elsewhere, light and dark, failures first."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

HERE = Path(__file__).parent
MEGABYTE, KILOBYTE, MINUTE = 1_000_000, 1_000, 60
BELOW = 1  # levels that the changelog's headings go down: they stand in a part of the page
UNKNOWN = "-"
MARKS = {"passed": "✓", "failed": "✗", "error": "✗", "stops": "✗", "skipped": "○", "incomplete": "?"}
PARTS = (
    ("failures", "Failures"), ("stages", "Stages"), ("gates", "Gates"), ("tests", "Tests"), ("coverage", "Coverage"),
    ("findings", "Findings"), ("image", "Image"), ("sbom", "SBOM"), ("changelog", "Changelog"),
)  # fmt: skip
LOOKING = ("lint", "types", "scan")  # the stages that give findings


def html(document: Mapping[str, Any]) -> str:
    """The page of a document of `ci.report.document`."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"seconds": seconds, "moment": moment, "percent": percent, "megabytes": megabytes}
    return environment.get_template("page.html").render(
        d=document,
        style=Markup((HERE / "page.css").read_text(encoding="utf-8")),
        marks=MARKS,
        parts=PARTS,
        verdict_word=document["verdict"],
        changelog=markdown(document["changelog"]),
        **_failures(document),
        **_looked(document),
    )


def _failures(document: Mapping[str, Any]) -> dict[str, Any]:
    stopped = [gate for gate in document["gates"] if gate["outcome"] == "stops"]
    stages = [stage for stage in document["stages"] if stage["outcome"] == "failed"]
    cases = [case for case in (document["tests"] or {"cases": []})["cases"] if case["outcome"] in ("failed", "error")]
    errors = [row for row in document["findings"] if row["level"] == "error"]
    return {
        "stopped": stopped, "failed_stages": stages, "failed_cases": cases, "errors": errors,
        "failures": bool(stopped or stages or cases or errors),
    }  # fmt: skip


def _looked(document: Mapping[str, Any]) -> dict[str, Any]:
    stages = {stage["name"]: stage for stage in document["stages"]}
    looking = [stages[name] for name in LOOKING]
    return {
        "stage_why": {name: stage["why"] for name, stage in stages.items()},
        "judged": ", ".join(stage["name"] for stage in looking if stage["outcome"] != "none"),
        "unjudged": "; ".join(f"{stage['name']} ({stage['why']})" for stage in looking if stage["outcome"] == "none"),
    }


def markdown(text: str) -> Markup:
    """Markdown as HTML, its own HTML as text, its headings below those of the page."""
    parser = MarkdownIt("commonmark", {"html": False})
    tokens = parser.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + BELOW)}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))


def seconds(value: float | None) -> str:
    """A duration, a hyphen where it is not known."""
    if value is None:
        return UNKNOWN
    return f"{value:.1f} s" if value < MINUTE else f"{int(value // MINUTE)} min {int(value % MINUTE)} s"


def moment(value: float | None) -> str:
    """A time in seconds since 1970, a hyphen where it is not known."""
    return UNKNOWN if value is None else datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def percent(value: float) -> str:
    """Rounded down: only all is 100."""
    return f"{int(value * 10) / 10:g} %"


def megabytes(value: int) -> str:
    """Bytes in megabytes (10^6), small ones in kilobytes."""
    return f"{value / MEGABYTE:.1f} MB" if value >= MEGABYTE / 10 else f"{value / KILOBYTE:.1f} kB"
