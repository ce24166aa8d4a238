"""What of a root file system a service runs with."""

import stat
import sys
from pathlib import Path

import pytest

from ci.release import minimal
from ci.release.minimal import Root


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A small root: /lib is usr/lib, a library has a link of a shorter name, a program is setuid."""
    at = tmp_path / "root"
    (at / "usr/lib/x").mkdir(parents=True)
    (at / "lib").symlink_to("usr/lib")
    (at / "usr/lib/x/libz.so.1.2").write_bytes(b"\x7fELF...")
    (at / "usr/lib/x/libz.so.1").symlink_to("libz.so.1.2")
    (at / "etc/certs").mkdir(parents=True)
    (at / "etc/certs/a.pem").symlink_to("/usr/share/ca/a.crt")
    (at / "usr/share/ca").mkdir(parents=True)
    (at / "usr/share/ca/a.crt").write_text("A")
    (at / "usr/bin").mkdir()
    (at / "usr/bin/su").write_text("su")
    (at / "usr/bin/su").chmod(0o4755)
    (tmp_path / "target").mkdir()
    return Root(at, tmp_path / "target")


def listing(root: Root) -> dict[str, str]:
    """What was copied: a link's goal, a file's text, nothing for a folder."""
    found = {}
    for path in sorted(root.target.rglob("*")):
        name = str(path.relative_to(root.target))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes().decode()
    return found


def test_a_file_comes_with_every_link_on_its_way(root: Root) -> None:
    """By /lib, a link, and by the library's shorter name, another; both ends are there once."""
    root.place(root.root / "lib/x/libz.so.1")
    assert listing(root) == {
        "lib": "-> usr/lib", "usr/lib/x/libz.so.1": "-> libz.so.1.2", "usr/lib/x/libz.so.1.2": "\x7fELF...",
    }  # fmt: skip
    assert root.placed == {"/usr/lib/x/libz.so.1", "/usr/lib/x/libz.so.1.2"}


def test_a_folder_comes_with_what_its_links_lead_to(root: Root) -> None:
    """Certificates are links by their hash to files elsewhere."""
    root.place(root.root / "etc/certs")
    assert listing(root) == {"etc/certs/a.pem": "-> /usr/share/ca/a.crt", "usr/share/ca/a.crt": "A"}


def test_what_is_not_there_is_passed_over_and_setuid_is_taken(root: Root) -> None:
    """Bases differ in what they have; none gives rights."""
    root.place(root.root / "etc/nothing/here")
    root.place(root.root / "usr/bin/su")
    assert stat.S_IMODE((root.target / "usr/bin/su").stat().st_mode) == 0o755
    assert list(listing(root)) == ["usr/bin/su"]


def test_the_library_is_without_what_developers_use(tmp_path: Path) -> None:
    """Tests, pip's wheels, bytecode, and what links Python into programs stay behind."""
    for name in ("ssl.py", "json/decoder.py", "test/x.py", "ensurepip/x.py", "__pycache__/ssl.pyc", "config-3.13/x.a",
                 "lib-dynload/_ssl.so", "lib-dynload/_testcapi.so", "site-packages/pip/x.py"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).touch()
    names = {str(path.relative_to(tmp_path)) for path in minimal.library(tmp_path)}
    assert names == {"ssl.py", "json/decoder.py", "lib-dynload/_ssl.so"}


def test_dpkg_records_only_the_packages_whose_files_are_there(tmp_path: Path) -> None:
    """By a path below /lib as by one below /usr/lib; the record keeps whole paragraphs."""
    (tmp_path / "info").mkdir()
    (tmp_path / "info/libz:amd64.list").write_text("/.\n/lib\n/lib/x/libz.so.1\n")
    (tmp_path / "info/bash.list").write_text("/.\n/usr/bin\n/usr/bin/bash\n")
    names = minimal.packages({"/usr/lib/x/libz.so.1"}, tmp_path)
    assert names == {"libz"}
    status = "Package: bash\nVersion: 5\n\nPackage: libz\nVersion: 1\nDescription: z\n more\n\n"
    assert minimal.record(status, names) == "Package: libz\nVersion: 1\nDescription: z\n more\n\n"


def test_libraries_are_those_that_the_loader_finds() -> None:
    """Of this Python, whose C library is among them."""
    loader = next(iter(sorted(Path("/").glob("lib*/ld-linux*"))))
    found = minimal.loaded(loader, Path(sys.executable).resolve())
    assert any(path.name.startswith("libc.so") for path in found)
    assert list(minimal.programs([Path(sys.executable).resolve(), Path(__file__), Path("/")]))[1:] == []
