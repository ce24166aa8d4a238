"""`python -m ci.locker SOURCE TARGET [--upgrade]`: the lock files of the service in SOURCE, written into TARGET."""

import argparse
import sys
from pathlib import Path

from ci.errors import CutoverError
from ci.locker.lock import lock, uv
from ci.settings import Settings


def main() -> None:
    """Lock, and say which files were written; a mistake of the user's is told in words, with exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m ci.locker")
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--upgrade", action="store_true")
    given = parser.parse_args()
    try:
        settings = Settings.parse((given.source / "pyproject.toml").read_text(encoding="utf-8"))
        given.target.mkdir(parents=True, exist_ok=True)
        print("\n".join(lock(given.source, settings, given.target, uv(given.source), given.upgrade)))
    except CutoverError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
