"""An image of one program that serves HTTP: this machine's busybox."""

import contextlib
import io
import secrets
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker

PORT = 8080
PAGE = "index.html"


@contextlib.contextmanager
def image(client: docker.DockerClient) -> Iterator[str]:
    """Makes the image, gives its name, and removes it. Each container answers 200 to `GET /`, on `PORT`."""
    program = shutil.which("busybox")
    assert program is not None, "busybox-static is not installed"
    name, tag = "cutover-bench", secrets.token_hex(4)
    client.api.import_image_from_data(
        _archive({"busybox": Path(program).read_bytes(), PAGE: b"hello"}), repository=name, tag=tag,
        changes=[f'CMD ["/busybox", "httpd", "-f", "-p", "{PORT}", "-h", "/"]'],
    )  # fmt: skip
    try:
        yield f"{name}:{tag}"
    finally:
        client.images.remove(f"{name}:{tag}", force=True)


def _archive(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
