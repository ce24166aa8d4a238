"""Shells: what is lent to an image without one, and how a step's container becomes a shell's."""

from pathlib import Path

import pytest

from ci.engine import terminal
from ci.engine.terminal import BUSYBOX_PLACE


@pytest.mark.parametrize(
    ("program", "lent"), [(b"\x7fELF static", True), (b"\x7fELF /lib64/ld-linux-x86-64.so.2", False)]
)
def test_only_a_static_busybox_is_lent_for_it_has_to_run_without_the_images_libraries(
    tmp_path: Path, program: bytes, lent: bool
) -> None:
    found = tmp_path / "busybox"
    found.write_bytes(program)

    assert terminal.busybox(lambda name: str(found) if name == "busybox" else None) == (found if lent else None)


def test_without_a_busybox_none_is_lent() -> None:
    assert terminal.busybox(lambda name: None) is None


BASE = {"entrypoint": ["make"], "command": ["all"], "user": "1", "host": {"binds": ["/a:/b"]}}


def test_a_shell_takes_the_place_of_the_command_and_leaves_the_rest() -> None:
    made = terminal.options(BASE, ("/bin/sh", "-l"), None)

    assert made == {**BASE, "entrypoint": ["/bin/sh"], "command": ["-l"], "tty": True, "stdin_open": True}


def test_a_lent_shell_is_mounted_beside_what_the_step_has() -> None:
    made = terminal.options(BASE, ("/bin/sh",), Path("/usr/bin/busybox"))

    assert (made["entrypoint"], made["command"]) == ([BUSYBOX_PLACE], ["sh"])
    assert made["host"] == {"binds": ["/a:/b", f"/usr/bin/busybox:{BUSYBOX_PLACE}:ro"]}
    assert BASE["host"] == {"binds": ["/a:/b"]}
