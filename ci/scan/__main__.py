"""`python -m ci.scan RAW SOURCE REPORT SETTINGS`: judges what the scanners left in RAW, writes REPORT, and ends with 1
where the scan failed.

SETTINGS is JSON: `rules` (the fields of Rules), `lock` (the lock file's name), `today` (YYYY-MM-DD). It runs in a
container and needs the standard library only.
"""

import json
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any

from ci.errors import CutoverError
from ci.scan import sarif, told
from ci.scan.accepted import FILE, parse
from ci.scan.finding import merged
from ci.scan.gate import FAILED, Rules, Verdict, judge
from ci.scan.reports import Reports

BILLS = {"sbom.cdx.json": "sbom-cyclonedx/sbom.cdx.json", "sbom.spdx.json": "sbom-spdx/sbom.spdx.json"}


def main(raw: Path, source: Path, report: Path, settings: dict[str, Any]) -> int:
    """Read, judge, write; gives the exit code."""
    rules = Rules(**{**settings["rules"], "licences": tuple(settings["rules"]["licences"])})
    verdict = _judged(raw, source, rules, settings)
    report.mkdir(parents=True, exist_ok=True)
    written = {
        "scan.sarif": json.dumps(sarif.document(verdict), indent=1),
        "scan.json": json.dumps(told.document(verdict), indent=1),
        "scan.junit.xml": told.junit(verdict, rules),
        "summary.md": told.markdown(verdict),
    }
    for name, text in written.items():
        (report / name).write_text(text, encoding="utf-8")
    for name, path in BILLS.items():
        if (raw / path).exists():
            shutil.copyfile(raw / path, report / name)
    print(told.lines(verdict), end="")
    return 1 if verdict.outcome == FAILED else 0


def _judged(raw: Path, source: Path, rules: Rules, settings: dict[str, Any]) -> Verdict:
    today = date.fromisoformat(settings["today"])
    accepted = source / FILE
    rows = parse(accepted.read_text(encoding="utf-8")) if accepted.exists() else []
    lock = source / settings["lock"]
    text = lock.read_text(encoding="utf-8") if lock.exists() else ""
    findings, scanners = Reports(raw, settings["lock"], text, rules, today).read()
    return judge(merged(findings), scanners, rows, rules, today)


if __name__ == "__main__":
    try:
        sys.exit(main(*map(Path, sys.argv[1:4]), json.loads(sys.argv[4])))  # type: ignore[call-arg,arg-type]
    except CutoverError as error:
        sys.exit(str(error))
