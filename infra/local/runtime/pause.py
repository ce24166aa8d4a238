"""The image of the container that owns a task's network, made on the spot: one program that sleeps for ever.

Containers of a task share a network that has to outlive each of them, so none of them can own it; ECS's agent starts a
"pause container" for that too. No image with such a program can be taken for granted on this machine, and a whole one
would be fetched for nothing: the program is an ELF file of one segment (elf(5)) whose code calls pause(2) in a loop.
"""

from __future__ import annotations

import io
import struct
import tarfile

import docker
from docker.errors import ImageNotFound

from infra.local.ecs.interfaces import TaskFailedToStart

PROGRAM = "pause"
BASE, HEADERS = 0x400000, 64 + 56
CODE = {  # Docker's name of the architecture: e_machine, machine code
    "amd64": (62, bytes.fromhex("b822000000 0f05 ebf7")),  # mov eax, SYS_pause; syscall; jmp -9
    "arm64": (183, b"".join(word.to_bytes(4, "little") for word in (
        0xAA1F03E0, 0xAA1F03E1, 0xAA1F03E2, 0xAA1F03E3, 0xD2800928, 0xD4000001, 0x17FFFFFA))),  # ppoll(0...); again
}  # fmt: skip
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def program(architecture: str) -> bytes:
    """The ELF file; raises TaskFailedToStart for an architecture that it was not written for."""
    if architecture not in CODE:
        raise TaskFailedToStart(f"tasks of more than one container are not served on {architecture}")
    machine, code = CODE[architecture]
    size = HEADERS + len(code)
    header = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, BASE + HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return header + struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 0x1000) + code


def pause_image(client: docker.DockerClient, name: str) -> str:
    """The image of that name, made if need be."""
    try:
        client.images.get(name)
    except ImageNotFound:
        machine = str(client.info()["Architecture"])
        repository, _, tag = name.rpartition(":")
        client.api.import_image_from_data(
            _archive(program(ARCHITECTURES.get(machine, machine))), repository=repository, tag=tag,
            changes=[f'ENTRYPOINT ["/{PROGRAM}"]'],
        )  # fmt: skip
    return name


def _archive(content: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(PROGRAM)
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()
