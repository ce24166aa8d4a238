"""Committed images without the container they were made from.

Docker engines before 25 keep the configuration of the container in the image it was committed to (`ContainerConfig`),
with the values of all variables: secrets, and passwords of proxies. Such an image is loaded anew under a configuration
of its own; its layers, which Docker has, are only named.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

PARENT_LABEL = "cutover.parent"  # of an image loaded anew: Docker keeps no parent of it
KEPT = {"Architecture": "architecture", "Variant": "variant", "Os": "os", "Created": "created", "Config": "config"}


def tells(image: Mapping[str, Any]) -> bool:
    """Whether an image (as `docker image inspect` describes it) holds the variables of its container."""
    return bool((image.get("ContainerConfig") or {}).get("Env"))


def archive(image: Mapping[str, Any], name: str) -> tuple[str, bytes]:
    """The same image without its container: its new id, and the tar file by which Docker loads it as `name`."""
    kept = {new: image[old] for old, new in KEPT.items() if image.get(old)}
    labels = {**(kept["config"].get("Labels") or {}), PARENT_LABEL: image.get("Parent", "")}
    layers = image["RootFS"]["Layers"]
    kept |= {"config": {**kept["config"], "Labels": labels}, "rootfs": {"type": "layers", "diff_ids": layers}}
    config = json.dumps(kept).encode()
    digest = hashlib.sha256(config).hexdigest()
    places = [f"{layer.removeprefix('sha256:')}/layer.tar" for layer in layers]
    manifest = [{"Config": f"{digest}.json", "RepoTags": [name], "Layers": places}]
    return f"sha256:{digest}", _tar({f"{digest}.json": config, "manifest.json": json.dumps(manifest).encode()})


def _tar(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()
