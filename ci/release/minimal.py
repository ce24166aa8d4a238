"""Copies of a root file system what a Python service runs with: `python minimal.py TARGET VENV`.

Python and its standard library (compiled, less what only developers use), the shared libraries that it and the
virtual environment VENV load, certificates, time zones, the names of users and hosts, and dpkg's record and licences
of the packages that these files are of, for scanners. No shell, no package manager, no compiler, no setuid file.
It runs in a container of the base image and needs the standard library only.
"""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

DATA = (
    "etc/debian_version", "etc/group", "etc/host.conf", "etc/ld.so.cache", "etc/ld.so.conf", "etc/ld.so.conf.d",
    "etc/localtime", "etc/nsswitch.conf", "etc/os-release", "etc/passwd", "etc/protocols", "etc/services",
    "usr/lib/ssl/certs", "usr/lib/ssl/openssl.cnf", "usr/share/zoneinfo",
)  # fmt: skip
FOLDERS = {"dev": 0o755, "proc": 0o555, "run": 0o755, "sys": 0o555, "tmp": 0o1777, "var/tmp": 0o1777}
DEVELOPERS = {
    "__pycache__", "dist-packages", "ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tkinter",
    "turtledemo",
}  # fmt: skip
BUILDING = "config-"  # the folder of what links Python into a program
TESTING = ("_test", "_ctypes_test", "_xxtestfuzz", "xxlimited")  # extension modules of Python's own tests
LOADED_LATER = "libgcc_s.so.1"  # by glibc, when a thread ends: no file names it
ELF = b"\x7fELF"
DPKG = "var/lib/dpkg"


class Root:
    """A root file system, and the part of it that is copied to `target`."""

    def __init__(self, root: Path, target: Path) -> None:
        self.root, self.target = root, target
        self.placed: set[str] = set()

    def place(self, path: Path) -> None:
        """Copy a file, or a folder with all in it, with every link on the way; what is not there is passed over."""
        for part in [*reversed(path.relative_to(self.root).parents), path.relative_to(self.root)]:
            at = self.root / part
            if at.is_symlink():
                self._link(part)
                goal = os.path.normpath(Path("/", part).parent / at.readlink())
                self.place(self.root / goal.lstrip("/") / path.relative_to(at))
                return
            if at.is_dir():
                self._folder(part)
        if path.is_dir():
            for entry in sorted(path.iterdir()):
                self.place(entry)
        elif path.is_file():
            self._file(path)

    def _link(self, part: Path) -> None:
        if not (self.target / part).is_symlink():
            (self.target / part).symlink_to((self.root / part).readlink())
            if (self.root / part).is_file():
                self.placed.add(f"/{part}")

    def _folder(self, part: Path) -> None:
        (self.target / part).mkdir(exist_ok=True)
        (self.target / part).chmod((self.root / part).stat().st_mode & 0o777)

    def _file(self, path: Path) -> None:
        part = path.relative_to(self.root)
        shutil.copyfile(path, self.target / part)
        (self.target / part).chmod(path.stat().st_mode & 0o777)
        self.placed.add(f"/{part}")


def library(stdlib: Path) -> Iterator[Path]:
    """The files of the standard library that a service may import."""
    for folder, folders, names in os.walk(stdlib):
        folders[:] = sorted(name for name in folders if name not in DEVELOPERS and not name.startswith(BUILDING))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith(TESTING))


def programs(paths: Iterable[Path]) -> Iterator[Path]:
    """Those that are ELF files: programs and shared libraries."""
    for path in paths:
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as stream:
                if stream.read(len(ELF)) == ELF:
                    yield path


def loaded(loader: Path, program: Path) -> list[Path]:
    """The shared libraries that the loader finds for an ELF file (ld.so(8), --list), and the loader itself."""
    done = subprocess.run([loader, "--list", program], capture_output=True, text=True, check=False)
    words = [line.rpartition("=>")[2].split() for line in done.stdout.splitlines()]
    return [Path(line[0]) for line in words if line and line[0].startswith("/")]


def packages(placed: set[str], dpkg: Path) -> set[str]:
    """The Debian packages that own one of these files, by dpkg's lists; /lib is /usr/lib."""
    owned = {path if path.startswith("/usr/") else f"/usr{path}" for path in placed} | placed
    found = set()
    for listed in sorted(dpkg.glob("info/*.list")):
        files = listed.read_text().splitlines()
        if any(path in owned or f"/usr{path}" in owned for path in files):
            found.add(listed.stem.partition(":")[0])
    return found


def record(status: str, names: set[str]) -> str:
    """dpkg's status file with these packages only."""
    rows = [row for row in status.split("\n\n") if row.strip()]
    kept = [row.strip("\n") for row in rows if row.lstrip("\n").partition("\n")[0].removeprefix("Package: ") in names]
    return "".join(f"{row}\n\n" for row in kept)


def write(root: Root, venv: Path) -> None:
    """Copy everything that the service needs; the virtual environment itself is not copied."""
    stdlib = Path(sysconfig.get_path("stdlib"))
    interpreter = Path(venv, "bin/python").resolve()
    files = [interpreter, *library(stdlib)]
    loaders = sorted(Path("/").glob("lib*/ld-linux*"))
    needed = [lib for path in programs([*files, *venv.rglob("*")]) for lib in loaded(loaders[0], path)]
    needed += [beside / LOADED_LATER for beside in {path.parent for path in needed}]
    for path in [*files, *_python(venv), *loaders, *sorted(set(needed)), *(root.root / name for name in DATA)]:
        if not path.is_relative_to(venv):
            root.place(path)
    names = packages(root.placed, root.root / DPKG)
    for name in sorted(names):
        root.place(root.root / f"usr/share/doc/{name}/copyright")
    for name, mode in FOLDERS.items():
        (root.target / name).mkdir(parents=True, exist_ok=True)
        (root.target / name).chmod(mode)
    if names:
        (root.target / DPKG).mkdir(parents=True)
        (root.target / DPKG / "status").write_text(record((root.root / DPKG / "status").read_text(), names))
    _compile(root.target, stdlib)


def _python(venv: Path) -> list[Path]:
    """The names of the Python that the virtual environment was made of, as its pyvenv.cfg has it (PEP 405)."""
    rows = dict(line.split(" = ", 1) for line in (venv / "pyvenv.cfg").read_text().splitlines() if " = " in line)
    return [Path(rows["home"], name) for name in ("python", "python3", f"python{sysconfig.get_python_version()}")]


def _compile(target: Path, stdlib: Path) -> None:
    """Compile the standard library: at run time nothing is written, so that each start would compile it again."""
    way = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(f"{target}{stdlib.resolve()}", quiet=1, stripdir=str(target), invalidation_mode=way)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    write(Root(Path("/"), Path(sys.argv[1])), Path(sys.argv[2]))
