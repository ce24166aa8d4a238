"""`python -m ci.scan.policy OUT POLICIES`, in the source: what policies in Rego deny of its CloudFormation templates.

The rows of findings go into OUT, as JSON. It ends 0 whatever is found, and runs in a container with cfn-lint, which
knows the lines of a template, and regopy, which evaluates the policies.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cfnlint.decode import decode
from regopy import Interpreter

from ci.scan.templates import templates


def policy(policies: Iterable[Path], names: list[str]) -> list[dict[str, Any]]:
    """What the policies deny of the templates: rows of a finding, with the line of the resource."""
    files, found = list(policies), []
    for name in names:
        template, problems = decode(name)
        if problems or not isinstance(template, Mapping):
            continue  # cfn-lint says what is wrong with it
        for row in denied(files, json.loads(json.dumps(template, default=str))):
            line = _line(template, row.pop("resource"))
            found.append({**row, "kind": "policy", "path": name, "line": line})
    return found


def denied(policies: Iterable[Path], template: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The set `data.cutover.deny` for one template: `rule`, `severity`, `message`, `resource` (its logical ID) each."""
    rego = Interpreter()
    for path in sorted(policies):
        rego.add_module(path.name, path.read_text(encoding="utf-8"))
    rego.set_input(template)
    rows = json.loads(str(rego.query("x := data.cutover.deny")))["bindings"]["x"]
    return sorted(rows, key=lambda row: (row["resource"], row["rule"], row["message"]))


def _line(template: Mapping[str, Any], resource: str) -> int | None:
    for key in template.get("Resources", {}):
        if key == resource and hasattr(key, "start_mark"):
            return int(key.start_mark.line) + 1
    return None


if __name__ == "__main__":
    found = policy(Path(sys.argv[2]).glob("*.rego"), templates(Path.cwd()))
    Path(sys.argv[1]).write_text(json.dumps(found))
