"""`python -m ci.codebuild.reports FOLDER`: a folder's JUnit files as a report group takes them, in its `codebuild`."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ci.codebuild.collect import trimmed

FOLDER = "codebuild"
TAGS = ("testsuites", "testsuite")


def prepared(folder: Path) -> list[Path]:
    """Write what a report group takes of each JUnit file below `folder`; gives the files that were written."""
    target, written = folder / FOLDER, []
    for path in sorted(folder.rglob("*.xml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if target not in path.parents and _is_junit(text):
            target.mkdir(exist_ok=True)
            place = target / "-".join(path.relative_to(folder).parts)
            place.write_text(trimmed(text), encoding="utf-8")
            written.append(place)
    return written


def _is_junit(text: str) -> bool:
    try:
        return ElementTree.fromstring(text).tag in TAGS
    except ElementTree.ParseError:
        return False


if __name__ == "__main__":
    prepared(Path(sys.argv[1]))
