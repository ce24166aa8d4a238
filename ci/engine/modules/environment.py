"""The interpreter that runs a module: ours where the module needs nothing beyond the SDK, else one of an environment of
its own, made once by uv."""

import importlib.metadata
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.engine.errors import ModuleLoadError
from ci.engine.modules.config import ModuleConfig
from ci.engine.nodes import digest_of
from ci.engine.store import Store

SDK = "dagger-io"
UV_LOCK, PIP_LOCK = "uv.lock", "requirements.lock"
LOCAL = re.compile(r"\s*(-e\b|--editable\b|file:|\.{0,2}/)")  # a line that names a folder
NAME = re.compile(r"[A-Za-z0-9._-]+")
INSTALL_SECONDS = 600
TAIL = 1500  # characters of what uv said


@dataclass(frozen=True)
class Interpreter:
    """A Python, and the folders that its PYTHONPATH names."""

    python: str
    path: tuple[str, ...] = ()


class Environments:
    """The environments of modules, under the store's folder.

    Args:
        store: whose folder holds them, and whose lock guards their making.
        say: told when one is made.
    """

    def __init__(self, store: Store, say: Callable[[str], None]) -> None:
        self._store = store
        self._say = say

    def interpreter(self, config: ModuleConfig) -> Interpreter:
        """What the module is to be run with; its environment is made where it has none yet.

        Raises:
            ModuleLoadError: it cannot be made.
        """
        wanted = _wanted(config)
        needs = _needs(config, wanted)
        if needs is None and not _suits(wanted) and _python(config, wanted, self._say) != sys.executable:
            needs = Needs((f"{SDK}=={importlib.metadata.version(SDK)}",), "", "", wanted)
        path = (*_entry(config, self._store), str(config.source), str(config.source / "src"))
        if needs is None:
            return Interpreter(sys.executable, path)
        folder = self._store.root / "environments" / needs.key[:24]
        with self._store.locked(f"environment-{needs.key[:24]}"):
            if not (folder / "ready").exists():
                self._make(config, needs, folder)
        return Interpreter(str(folder / "bin" / "python"), path)

    def _make(self, config: ModuleConfig, needs: "Needs", folder: Path) -> None:
        shown = ", ".join([*([needs.lock_name] if needs.lock else []), *needs.requirements])
        self._say(f"make an environment for module {config.name}: {shown}")
        shutil.rmtree(folder, ignore_errors=True)
        python = _python(config, needs.python, self._say)
        _uv("venv", "--quiet", "--python", python, str(folder))
        install = ["pip", "install", "--quiet", "--compile-bytecode", "--python", str(folder / "bin" / "python")]
        if needs.lock_name == UV_LOCK:
            listed = folder / "requirements.txt"
            _uv(
                *("export", "--quiet", "--frozen", "--no-emit-project", "--no-header", "--output-file", str(listed)),
                *("--no-dev", "--no-emit-package", SDK, "--project", str(config.source)),
            )
            _uv(*install, "--requirements", str(listed))
        elif needs.lock:
            listed = folder / "requirements.txt"
            listed.write_text(_elsewhere(needs.lock), encoding="utf-8")
            _uv(*install, "--no-deps", "--requirements", str(listed))
        _uv(*install, *needs.requirements)
        (folder / "ready").touch()


@dataclass(frozen=True)
class Needs:
    """What a module's environment is made of; `key` names all of it.

    Attributes:
        requirements: what is installed beside what `lock` says.
        lock_name: the name of its lock file: uv.lock, pip's older requirements.lock; empty where it has neither.
        lock: the text of that file.
        python: what it says of the Python it needs.
    """

    requirements: tuple[str, ...]
    lock_name: str
    lock: str
    python: str

    @property
    def key(self) -> str:
        """The digest of what the environment holds, and of the Python that runs this."""
        return digest_of([sorted(self.requirements), self.lock, self.python, sys.version_info[:3], sys.executable])


def _needs(config: ModuleConfig, python: str) -> Needs | None:
    """What the module needs beyond our own interpreter, None where that is nothing."""
    table = config.project().get("project", {})
    dependencies = [str(item) for item in table.get("dependencies") or ()]
    name = next((name for name in (UV_LOCK, PIP_LOCK) if (config.source / name).is_file()), "")
    if not name and all(_given(item) for item in dependencies):
        return None
    text = (config.source / name).read_text(encoding="utf-8") if name else ""
    own = [item for item in dependencies if _name(item) != SDK] if name != UV_LOCK else []
    return Needs((*own, _sdk(dependencies, text)), name, text, python)


def _elsewhere(lock: str) -> str:
    """A lock of pip's without the module and the SDK themselves, which it names by their folders."""
    return "\n".join(line for line in lock.splitlines() if not LOCAL.match(line)) + "\n"


def _given(requirement: str) -> bool:
    """Whether our own interpreter has what a requirement names, as a part of the SDK."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = Requirement(requirement)
    except InvalidRequirement:
        return False  # uv says what is wrong with it
    if _name(wanted.name) not in _closure(SDK, set()):
        return False
    return wanted.specifier.contains(importlib.metadata.version(wanted.name), prereleases=True)


def _closure(name: str, seen: set[str]) -> set[str]:
    """A distribution and all that it requires."""
    if name not in seen:
        seen.add(name)
        try:
            required = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            return seen
        for item in required:
            if "extra ==" not in item:
                _closure(_name(item), seen)
    return seen


def _sdk(dependencies: Sequence[str], lock: str) -> str:
    """The SDK's requirement: the version that the lock or the module pins, else ours."""
    locked = re.search(rf'name = "{SDK}"\nversion = "([^"]+)"\nsource = {{ registry', lock)
    if locked:
        return f"{SDK}=={locked[1]}"
    pinned = next((item for item in dependencies if _name(item) == SDK and item.strip() != SDK), None)
    return pinned or f"{SDK}=={importlib.metadata.version(SDK)}"


def _name(requirement: str) -> str:
    found = NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


def _wanted(config: ModuleConfig) -> str:
    """The Python that a module asks for: by its .python-version, else by its requires-python; empty for any."""
    pinned = config.source / ".python-version"
    if pinned.is_file() and (text := pinned.read_text(encoding="utf-8").strip()):
        return text.splitlines()[0]
    return str(config.project().get("project", {}).get("requires-python") or "")


def _suits(wanted: str) -> bool:
    """Whether our own Python is one that a module asks for."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(f"=={wanted}.*" if wanted[:1].isdigit() else wanted).contains(platform.python_version())
    except InvalidSpecifier:
        return True


def _python(config: ModuleConfig, wanted: str, say: Callable[[str], None]) -> str:
    """A Python of this machine that the module allows; ours, with a word about it, where there is none."""
    if not wanted:
        return sys.executable
    found = _found("python", "find", "--no-python-downloads", "--no-project", wanted)
    if found is None:
        say(
            f"module {config.name} requires Python {wanted}, which this machine does not have: "
            f"it runs with {sysconfig.get_python_version()}"
        )
    return found or sys.executable


def _found(*words: str) -> str | None:
    done = subprocess.run([_binary(), *words], capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    return done.stdout.strip() if done.returncode == 0 else None


def _uv(*words: str) -> None:
    done = subprocess.run([_binary(), *words], capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS)
    if done.returncode:
        raise ModuleLoadError(
            f"the module's environment cannot be made: uv {' '.join(words[:2])} failed: {done.stderr.strip()[-TAIL:]}"
        )


def _binary() -> str:
    """uv beside our interpreter, or on the PATH.

    Raises:
        ModuleLoadError: there is none.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise ModuleLoadError("the module has dependencies of its own, which uv installs: install uv")
    return found


# The entry point, by which the SDK finds the main object


def _entry(config: ModuleConfig, store: Store) -> Iterator[str]:
    """A folder with the metadata of a distribution that declares the module's entry point."""
    value = _entry_point(config)
    folder = store.root / "entry-points" / digest_of(value)[:24]
    info = folder / "cutover_module-0.dist-info"
    if not info.is_dir():
        scratch = store.root / "tmp" / f"entry-{digest_of(value)[:24]}"
        _write(scratch / info.name, value)
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(scratch, folder, dirs_exist_ok=True)
        shutil.rmtree(scratch, ignore_errors=True)
    yield str(folder)


def _write(info: Path, value: str) -> None:
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cutover-module\nVersion: 0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[dagger.mod]\nmain_object = {value}\n", encoding="utf-8")


def _entry_point(config: ModuleConfig) -> str:
    """What pyproject.toml declares; else the package named like the project or the module, or `main`.

    Raises:
        ModuleLoadError: there is neither.
    """
    project: Mapping[str, Any] = config.project().get("project", {})
    declared = project.get("entry-points", {}).get("dagger.mod", {}).get("main_object")
    if declared:
        return str(declared)
    for name in (str(project.get("name") or config.name), config.name, "main"):
        package = name.replace("-", "_")
        for at in (config.source / "src", config.source):
            if (at / package / "__init__.py").is_file() or (at / f"{package}.py").is_file():
                return f"{package}:{config.main_object}"
    package = str(project.get("name") or config.name).replace("-", "_")
    raise ModuleLoadError(
        "Main object not found. You can configure it explicitly by adding an entry point to your pyproject.toml file. "
        f"For example:\n\n[project.entry-points.\"dagger.mod\"]\nmain_object = '{package}:{config.main_object}'"
    )
