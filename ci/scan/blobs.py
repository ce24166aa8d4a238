"""`python blobs.py TARGET INDEX`, in a git repository: each text that any commit ever had, as TARGET/BLOB/PATH.

INDEX gets JSON: {BLOB: [the first commit that has it, its path]}. It runs in a container with git and needs the
standard library only.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

MOST_BYTES = 1_000_000  # a longer file is no place where somebody wrote a secret by hand
RAW = ["git", "log", "--all", "--reverse", "--topo-order", "--raw", "--no-abbrev", "--no-renames", "--root", "-m",
       "--diff-filter=AM", "--format=%H", "-z"]  # fmt: skip


def blobs(log: str) -> dict[str, tuple[str, str]]:
    """The first commit and the path of each blob, from what RAW prints."""
    found: dict[str, tuple[str, str]] = {}
    commit = blob = ""
    for part in log.split("\0"):
        word = part.lstrip("\n")
        if word.startswith(":"):
            mode, blob = word.split(" ")[1], word.split(" ")[3]
            blob = blob if mode.startswith("100") else ""
        elif blob:
            found.setdefault(blob, (commit, part))
            blob = ""
        elif len(word) in (40, 64):
            commit = word
    return found


def contents(names: list[str]) -> Iterator[tuple[str, bytes]]:
    """The content of each blob that is text and no longer than MOST_BYTES."""
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{name}\n" for name in names).encode())
        wanted.seek(0)
        process = subprocess.Popen(["git", "cat-file", "--batch", "--buffer"], stdin=wanted, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        for name in names:
            header = process.stdout.readline().split()
            if len(header) != 3:  # it is missing
                continue
            data = process.stdout.read(int(header[2]) + 1)[:-1]
            if len(data) <= MOST_BYTES and b"\0" not in data[:8000]:
                yield name, data


def main(target: Path, index: Path) -> None:
    """Write the files and the index."""
    log = subprocess.run(RAW, check=True, capture_output=True).stdout.decode("utf-8", "surrogateescape")
    found = blobs(log)
    target.mkdir(parents=True, exist_ok=True)
    for name, data in contents(list(found)):
        path = target / name / found[name][1]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    index.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
