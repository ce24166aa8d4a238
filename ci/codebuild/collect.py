"""What a build leaves: artifacts and reports by their patterns, and JUnit files as a report group takes them."""

import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from pathlib import Path

from ci.codebuild.buildspec import Artifacts, Report
from ci.engine import globs

PRIMARY = "artifacts"
# A report group keeps no more of a report: https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html
MOST_CASES = 500
FAILED_TAGS = ("failure", "error")


def matching(base: Path, patterns: Sequence[str], excluded: Sequence[str] = ()) -> list[Path]:
    """The files below a folder that one of the patterns fits and no excluded one does, in order; a folder's name
    stands for all in it."""
    wanted, unwanted = _compiled(patterns), _compiled(excluded)
    found = []
    for path in sorted(base.rglob("*")):
        name = path.relative_to(base).as_posix()
        if path.is_file() and any(each.fullmatch(name) for each in wanted):
            found += [] if any(each.fullmatch(name) for each in unwanted) else [path]
    return found


def _compiled(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    forms = [form for pattern in patterns for form in (pattern, f"{pattern}/**")]
    return [globs.compiled(form) for form in forms]


def _bases(source: Path, base: str) -> Iterator[Path]:
    """The folders that a base directory names."""
    if not base or (source / base).is_dir():
        yield source / base
        return
    pattern = globs.compiled(base)
    yield from (
        at for at in sorted(source.rglob("*")) if at.is_dir() and pattern.fullmatch(str(at.relative_to(source)))
    )


def _copied(source: Path, spec: Artifacts | Report, target: Path) -> list[Path]:
    excluded = spec.excluded if isinstance(spec, Artifacts) else ()
    copies = []
    for base in _bases(source, spec.base):
        for path in matching(base, spec.files, excluded):
            place = target / (path.name if spec.discard_paths else path.relative_to(base))
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            copies.append(place)
    return copies


def artifacts(source: Path, spec: Artifacts | None, target: Path) -> dict[str, list[Path]]:
    """Copy the artifacts to folders of their names below `target`; gives the files of each, also of one that has
    none."""
    if spec is None:
        return {}
    kept = {PRIMARY: spec} if spec.files else {}
    kept |= dict(spec.secondary)
    return {name: _copied(source, each, target / name) for name, each in kept.items()}


def reports(source: Path, specs: Sequence[Report], target: Path) -> dict[str, list[Path]]:
    """Copy the reports to folders of their groups below `target`; gives the files of each group."""
    return {spec.group: _copied(source, spec, target / spec.group) for spec in specs}


def trimmed(text: str, most: int = MOST_CASES) -> str:
    """A JUnit document with at most `most` cases, failed ones first; in one that has no more nothing is changed.

    Raises:
        xml.etree.ElementTree.ParseError: it is no XML.
    """
    root = ElementTree.fromstring(text)
    cases = [(suite, case) for suite in root.iter("testsuite") for case in suite.findall("testcase")]
    if len(cases) <= most:
        return text
    ordered = sorted(cases, key=lambda row: not any(row[1].find(tag) is not None for tag in FAILED_TAGS))
    for suite, case in ordered[most:]:
        suite.remove(case)
    for suite in root.iter("testsuite"):
        own = suite.findall("testcase")
        own.sort(key=lambda case: not any(case.find(tag) is not None for tag in FAILED_TAGS))
        suite[:] = [*(child for child in suite if child.tag != "testcase"), *own]
        suite.set("tests", str(len(own)))
    return ElementTree.tostring(root, encoding="unicode")
