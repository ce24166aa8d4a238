"""Compares two images layer by layer: `python -m ci.release.compare ONE OTHER`, canonical layouts in tar files.

It prints the digest where both are the same, and otherwise ends with 1 and names, for each layer, the first file that
differs, and how. It runs in a container and needs the standard library only.
"""

import json
import sys
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from ci.release.canonical import PARTS, opened


def compare(one: Path, other: Path) -> list[str]:
    """What differs between two images, a line for each layer and for the configuration; empty for the same bytes."""
    with ExitStack() as stack:
        archives = [stack.enter_context(tarfile.open(path)) for path in (one, other)]
        (config, layers), (config2, layers2) = [stack.enter_context(opened(archive)) for archive in archives]
        lines = [
            f"layer {number} (/{part}): {found}"
            for number, (part, ours, theirs) in enumerate(zip(PARTS, layers, layers2, strict=True), 1)
            if (found := first_difference(ours, theirs))
        ]
        return lines + [f"configuration: {name} differs" for name in _differing(config, config2)]


def first_difference(one: tarfile.TarFile, other: tarfile.TarFile) -> str:
    """The first file, by its path, that two layers do not have alike, and in what; empty where there is none."""
    ours, theirs = ({info.name: info for info in layer} for layer in (one, other))
    for path in sorted({*ours, *theirs}):
        if path not in theirs:
            return f"/{path} is only in the first"
        if path not in ours:
            return f"/{path} is only in the second"
        if words := list(_unlike(one, ours[path], other, theirs[path])):
            return f"/{path} differs in {', '.join(words)}"
    return ""


def _unlike(one: tarfile.TarFile, ours: tarfile.TarInfo, other: tarfile.TarFile, theirs: tarfile.TarInfo
            ) -> Iterator[str]:  # fmt: skip
    for name in ("type", "mode", "mtime", "uid", "gid", "linkname"):
        if (left := getattr(ours, name)) != (right := getattr(theirs, name)):
            yield f"{name} ({left!r}, {right!r})"
    if ours.isfile() and theirs.isfile():
        left, right = (layer.extractfile(info) for layer, info in ((one, ours), (other, theirs)))
        assert left is not None and right is not None
        if (here := left.read()) != (there := right.read()):
            pairs = enumerate(zip(here, there, strict=False))
            at = next((number for number, (a, b) in pairs if a != b), min(len(here), len(there)))
            yield f"content (from byte {at} on; {len(here)} and {len(there)} bytes)"


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The configuration's members that differ; `rootfs` follows from the layers."""
    return [name for name in sorted({*one, *other} - {"rootfs"}) if one.get(name) != other.get(name)]


def digest(archive: Path) -> str:
    """The digest of the one image in a layout."""
    with tarfile.open(archive) as tar:
        stream = tar.extractfile("index.json")
        assert stream is not None
        return str(json.load(stream)["manifests"][0]["digest"])


if __name__ == "__main__":
    found = compare(Path(sys.argv[1]), Path(sys.argv[2]))
    if found:
        sys.exit("\n".join(["the image that was built anew is another one:", *found]))
    print(digest(Path(sys.argv[1])), end="")
