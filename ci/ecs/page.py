"""The evidence of one deployment as one page: no script, no style or picture from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .report import iso

Document = Mapping[str, Any]
# A chart's size in pixels.
WIDTH, HEIGHT = 720, 120
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d0d7de;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top;overflow-wrap:anywhere}td:first-child{white-space:nowrap}pre{background:#f6f8fa;padding:.8rem;overflow:auto}"
    ".passed,.deployed,.unchanged{color:#116329}.failed,.rolled-back{color:#a40e26}.inconclusive,.unknown{color:#7d4e00}"
    "svg{width:100%;background:#f6f8fa}.blue{stroke:#0969da}.green{stroke:#1a7f37}polyline{fill:none;stroke-width:2}"
)
SERIES = (("requests", "Requests a minute"), ("errors", "Errors a minute"), ("p90", "Latency, 90th percentile (s)"))


def html(document: Document) -> str:
    """The page of a report's document."""
    title = f"{document['verb']} of {document['version'] or 'a release'} to {document['environment']}"
    parts = [
        _head(document, title), _timeline(document), _judgements(document), _charts(document),
        _list("Foreign hands", document["foreign_hands"]), _list("Notes", document["notes"]), _logs(document),
    ]  # fmt: skip
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _head(document: Document, title: str) -> str:
    outcome = document["outcome"]
    rows = [
        ("Outcome", document["message"] or outcome), ("Image", document["image"]), ("Digest", document["digest"]),
        ("Commit", document["commit"]), ("Strategy", document["strategy"]),
        ("Deployment", document["service_deployment"] or "none was begun"),
        ("Begun", iso(document["begun"])), ("Ended", iso(document["ended"])),
        ("Served before", _served(document["served_before"])), ("Serves", _served(document["serves"])),
    ]  # fmt: skip
    word = f'<span class="{escape(outcome)}">{escape(outcome)}</span>'
    return f"<h1>{escape(title)}: {word}</h1>{_table((), rows)}"


def _served(serving: Mapping[str, Any] | None) -> str:
    return f"{serving['version']} ({serving['digest'][:19]}), {serving['percent']:g} %" if serving else "unknown"


def _timeline(document: Document) -> str:
    rows = [
        (iso(each["at"]), each["stage"], f"{each['seconds']:g} s", _percent(each["percent"]))
        for each in _all(document, "stages")
    ]
    return _section("Stages", _table(("Begun", "Stage", "Took", "New revision"), rows)) if rows else ""


def _judgements(document: Document) -> str:
    rows = [
        (iso(each["at"]), f"{each['stage']} {_percent(each['percent'])}", each["gate"], each["finding"]["outcome"],
        each["finding"]["why"], _numbers(each["finding"]["numbers"]))
        for each in _all(document, "judgements")
    ]  # fmt: skip
    names = ("At", "Pause", "Gate", "Finding", "Why", "Numbers")
    return _section("Judgements", _table(names, rows)) if rows else ""


def _all(document: Document, name: str) -> list[Any]:
    """With what a runner before this one has written."""
    return [*(document.get("inherited") or {}).get(name, []), *document[name]]


def _numbers(numbers: Mapping[str, Any]) -> str:
    return "; ".join(_named(key, value) for key, value in numbers.items() if not isinstance(value, list))


def _named(key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{key} ({', '.join(_named(name, each) for name, each in value.items())})"
    return f"{key.replace('_', ' ')} {f'{value:.3g}' if isinstance(value, float) else value}"


def _charts(document: Document) -> str:
    sides = {side: minutes for side, minutes in document["minutes"].items() if minutes}
    return "".join(_chart(title, name, sides) for name, title in SERIES) if sides else ""


def _chart(title: str, name: str, sides: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    moments = [each["at"] for minutes in sides.values() for each in minutes]
    first, span = min(moments), max(1.0, max(moments) - min(moments))
    top = max([each[name] or 0 for minutes in sides.values() for each in minutes] + [0]) or 1
    lines = []
    for side, minutes in sides.items():
        points = [(each["at"], each[name]) for each in minutes if each[name] is not None]
        at = " ".join(
            f"{WIDTH * (when - first) / span:.0f},{HEIGHT - (HEIGHT - 10) * value / top:.0f}" for when, value in points
        )
        lines.append(f'<polyline class="{escape(side)}" points="{at}"/>')
    drawn = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{"".join(lines)}</svg>'
    return _section(f"{title} (highest {top:g}; blue old, green new)", drawn)


def _logs(document: Document) -> str:
    text = escape("\n".join(document["logs"]))
    return _section("Logs of tasks that failed", f"<pre>{text}</pre>") if text else ""


def _list(title: str, lines: Iterable[str]) -> str:
    rows = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return _section(title, f"<ul>{rows}</ul>") if rows else ""


def _section(title: str, body: str) -> str:
    return f"<h2>{escape(title)}</h2>{body}"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _cell(text: str) -> str:
    kind = f' class="{text}"' if text in ("passed", "failed", "inconclusive") else ""
    return f"<td{kind}>{escape(text)}</td>"


def _percent(value: float | None) -> str:
    return f"{value:g} %" if value is not None else ""
