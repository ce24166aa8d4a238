"""`python -m ci.scan.templates OUT`, in the source: what cfn-lint finds in its templates, as JSON into OUT.

It ends 0 whatever is found, and runs in a container with cfn-lint.
"""

import subprocess
import sys
from pathlib import Path

SUFFIXES = (".yaml", ".yml", ".json", ".template")
MOST_BYTES = 1_000_000  # CloudFormation takes no longer template
MARKS = ("AWSTemplateFormatVersion", "Type: AWS::", '"AWS::')
LINT_SECONDS = 300


def templates(root: Path) -> list[str]:
    """The templates below a folder, by what they say of themselves."""
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.suffix in SUFFIXES and _is_one(path))


def lint(names: list[str]) -> str:
    """What cfn-lint says of them, as JSON.

    Raises:
        SystemExit: it did not run to its end; with what it said.
    """
    if not names:
        return "[]"
    words = ["cfn-lint", "--format", "json", "--", *names]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LINT_SECONDS, check=False)
    if not done.stdout.lstrip().startswith("["):
        sys.exit(f"cfn-lint: {done.stderr.strip()[-1000:]}")
    return done.stdout


def _is_one(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return False
    text = path.read_text(encoding="utf-8", errors="replace")
    return "Resources" in text and any(mark in text for mark in MARKS)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(lint(templates(Path.cwd())))
