"""`python -m ci.report ASKED FOLDER`: writes `report.json` and `index.html` beside the stages' files in FOLDER."""

import json
import sys
from pathlib import Path

from ci.report.document import Inputs, document
from ci.report.facts import Asked
from ci.report.page import html


def main(asked: Path, folder: Path) -> None:
    """Write both; the page is made from the document alone."""
    made = document(Inputs(folder), Asked.of(json.loads(asked.read_text(encoding="utf-8"))))
    (folder / "report.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    (folder / "index.html").write_text(html(made), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
