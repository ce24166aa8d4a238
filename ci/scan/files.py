"""`python files.py IMAGE OUT`: files of an image's layers that run as somebody else than who starts them, as JSON.

IMAGE is what `docker save` writes. A file of Debian's own packages is told as low: the distribution ships it so. It
runs in a container and needs the standard library only.
"""

import json
import stat
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

LISTS = "var/lib/dpkg/info/"


def findings(image: tarfile.TarFile) -> list[dict[str, str]]:
    """A row for each setuid and setgid file, also of a layer that a later one removes it from."""
    marked: dict[str, int] = {}
    debian: set[str] = set()
    for layer in _layers(image):
        for member in layer:
            name = member.name.removeprefix("./").lstrip("/")
            if member.isfile() and member.mode & (stat.S_ISUID | stat.S_ISGID):
                marked[name] = member.mode
            elif name.startswith(LISTS) and name.endswith(".list") and (file := layer.extractfile(member)):
                debian |= {line.lstrip("/") for line in file.read().decode("utf-8", "replace").splitlines()}
    return [_row(name, mode, _is_of(name, debian)) for name, mode in sorted(marked.items())]


def _layers(image: tarfile.TarFile) -> Iterator[tarfile.TarFile]:
    manifest = image.extractfile("manifest.json")
    assert manifest is not None
    for name in json.load(manifest)[0]["Layers"]:
        with tarfile.open(fileobj=image.extractfile(name)) as layer:
            yield layer


def _is_of(name: str, debian: set[str]) -> bool:
    return name in debian or name.removeprefix("usr/") in debian


def _row(name: str, mode: int, is_debian: bool) -> dict[str, str]:
    rule = "setuid" if mode & stat.S_ISUID else "setgid"
    return {"rule": rule, "kind": "permission", "severity": "low" if is_debian else "high", "path": name,
            "message": f"{rule} file ({mode & 0o7777:04o}): it runs with its owner's rights, whoever starts it",
            "place": "image"}  # fmt: skip


if __name__ == "__main__":
    with tarfile.open(sys.argv[1]) as opened:
        Path(sys.argv[2]).write_text(json.dumps(findings(opened)))
