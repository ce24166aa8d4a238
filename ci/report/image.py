"""What takes the room in an image: `python -m ci.report.image ARCHIVE OUT` writes it as JSON, of an OCI archive as
`ci.release.canonical` writes it.

`digest`, `bytes` (compressed), `layers` (`name`, `digest`, `bytes`, `unpacked`, `files`), `folders` and `files` (the
largest of each, `path` and unpacked `bytes`). It needs the standard library only.
"""

import json
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

from ci.release.canonical import opened

SHOWN = 20
DEPTH, PACKAGES = 3, "site-packages"


def measured(archive: Path) -> dict[str, Any]:
    """The document of the one image in an archive."""
    folders: Counter[str] = Counter()
    files: Counter[str] = Counter()
    with tarfile.open(archive) as tar, opened(tar) as (config, contents):
        top, manifest = _manifest(tar)
        history = config.get("history", [])
        layers = []
        for number, (row, content) in enumerate(zip(manifest["layers"], contents, strict=True)):
            sizes = {info.name: info.size for info in content if info.isfile()}
            files.update(sizes)
            for path, size in sizes.items():
                folders[folder(path)] += size
            name = history[number].get("created_by", "") if number < len(history) else ""
            layers.append({
                "name": name.removeprefix("cutover: "), "digest": row["digest"], "bytes": row["size"],
                "unpacked": sum(sizes.values()), "files": len(sizes),
            })  # fmt: skip
    return {
        "digest": top, "bytes": sum(row["bytes"] for row in layers), "layers": layers, "folders": _largest(folders),
        "files": _largest(files),
    }  # fmt: skip


def folder(path: str) -> str:
    """What a file is counted under: the package that it belongs to, else the upper folders of its path."""
    parts = path.split("/")
    depth = parts.index(PACKAGES) + 2 if PACKAGES in parts[:-1] else DEPTH
    return "/" + "/".join(parts[: min(depth, len(parts) - 1)])


def _manifest(tar: tarfile.TarFile) -> tuple[str, dict[str, Any]]:
    digest = _json(tar, "index.json")["manifests"][0]["digest"]
    return digest, _json(tar, f"blobs/{digest.replace(':', '/')}")


def _json(tar: tarfile.TarFile, name: str) -> Any:
    stream = tar.extractfile(name)
    assert stream is not None, name
    return json.load(stream)


def _largest(sizes: Counter[str]) -> list[dict[str, Any]]:
    rows = sorted(sizes.items(), key=lambda row: (-row[1], row[0]))[:SHOWN]
    return [{"path": path if path.startswith("/") else f"/{path}", "bytes": size} for path, size in rows]


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(measured(Path(sys.argv[1]))), encoding="utf-8")
