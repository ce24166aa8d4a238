"""The changelog of one version, in Markdown."""

import re
from collections.abc import Iterator

from ci.release.decision import SHORT, Decision
from ci.release.history import FOOTER, Commit

SECTIONS = {"feat": "Features", "fix": "Fixes", "perf": "Performance", "revert": "Reverts"}
MARKUP = re.compile(r"([\\*_<>\[\]])")  # what would make a title more than text; `code` stays code


def changelog(decision: Decision) -> str:
    """What changed since the release before, a heading a kind; breaking changes come first and say what breaks."""
    rows: dict[str, list[str]] = {"Breaking changes": [], **{title: [] for title in SECTIONS.values()}}
    for commit in decision.standing:
        if commit.breaking:
            rows["Breaking changes"].append(_row(commit, _broken(commit)))
        elif commit.level != "none":
            header = commit.header
            rows[SECTIONS[header["type"].lower() if header else "revert"]].append(_row(commit))
    return "\n".join(_lines(f"## {decision.version}", rows)) + "\n"


def _lines(heading: str, rows: dict[str, list[str]]) -> Iterator[str]:
    yield heading
    for title, found in rows.items():
        if found:
            yield from ("", f"### {title}", "", *found)
    if not any(rows.values()):
        yield from ("", "No change that users see.")


def _row(commit: Commit, broken: str = "") -> str:
    header = commit.header
    scope = f"**{_text(header['scope'])}:** " if header and header["scope"] else ""
    text = _text(header["description"].rstrip() if header else commit.title)
    return f"- {scope}{text} ({commit.sha[:SHORT]})" + (f": {_text(broken)}" if broken else "")


def _broken(commit: Commit) -> str:
    found = FOOTER.search(commit.message)
    return found[1].rstrip() if found else ""


def _text(words: str) -> str:
    return MARKUP.sub(r"\\\1", words)
