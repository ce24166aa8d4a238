"""What the demo changes in a service: something harmless, and a mistake that its unit tests do not see."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from ci.cli.scratch import Scratch
from ci.errors import CutoverError
from ci.settings import Settings

VIEWS = "app/views.py"
BEFORE = '{"message": f"{GREETING}'
AFTER = (
    """{"message": f"{(__import__('pathlib').Path(__file__).parents[1] / 'tests/unit/app/greeting.txt').read_text()}"""
)
NOTE = "CUTOVER-DEMO.txt"
# Only an image of ours sets HEALTH_PATH: in the unit tests nothing is different, and none of it is counted as
# uncovered. The health checks of the container and of the load balancer go on to answer.
MISTAKE = """

import os as _os

if "HEALTH_PATH" in _os.environ:  # pragma: no cover

    def _demo_broken(application):
        def broken(environ, start_response):
            if environ.get("HTTP_USER_AGENT", "").startswith(("ELB-HealthChecker", "Python-urllib")):
                return application(environ, start_response)
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [b"the mistake that cutover's demo made"]

        return broken

"""
OBJECT = "    {name} = _demo_broken({name})\n"
FACTORY = """\
    def _demo_made(factory):
        return lambda *given, **named: _demo_broken(factory(*given, **named))

    {name} = _demo_made({name})
"""


class NotInFileError(CutoverError):
    """The application is not made where the settings say, so no mistake can be put there."""

    def __init__(self, wsgi: str) -> None:
        super().__init__(f"[tool.cutover] wsgi = {wsgi!r}: its module is not in the repository; see python-path")


class Changes(ABC):
    """The demo's commits; each method makes one and gives its subject."""

    @abstractmethod
    def harmless(self, scratch: Scratch) -> str:
        """A change that is released."""

    @abstractmethod
    def broken(self, scratch: Scratch) -> str:
        """A change that passes the service's tests and fails in production."""


class OwnChanges(Changes):
    """Those of the service in this repository."""

    def harmless(self, scratch: Scratch) -> str:
        """Another greeting."""
        scratch.replace(VIEWS, "from the greeter", "from the new greeter")
        return scratch.commit("feat: greet anew")

    def broken(self, scratch: Scratch) -> str:
        """The service reads a file that is in the repository and not in the image."""
        scratch.write("tests/unit/app/greeting.txt", "Hello")
        scratch.replace(VIEWS, BEFORE, AFTER)
        return scratch.commit("feat: read the greeting from a file")


@dataclass(frozen=True)
class AnyChanges(Changes):
    """Those of a service that nobody here knows."""

    settings: Settings

    def harmless(self, scratch: Scratch) -> str:
        """A file beside the service: the version, the commit and so the image are others."""
        scratch.write(NOTE, "Written by `cutover demo`, in its own clone only.\n")
        return scratch.commit("feat: a second release")

    def broken(self, scratch: Scratch) -> str:
        """Health checks are answered, and everything else gets a 500."""
        path = self._module(scratch.work)
        made = re.split(r"[:(]", self.settings.wsgi)[1]
        wrapped = (FACTORY if "(" in self.settings.wsgi else OBJECT).format(name=made)
        path.write_text(path.read_text(encoding="utf-8") + MISTAKE + wrapped, encoding="utf-8")
        return scratch.commit("feat: a mistake that no unit test sees")

    def _module(self, root: Path) -> Path:
        module = self.settings.wsgi.partition(":")[0].replace(".", "/")
        base = root / (self.settings.python_path or "") / module
        for path in (base.with_name(f"{base.name}.py"), base / "__init__.py"):
            if path.is_file():
                return path
        raise NotInFileError(self.settings.wsgi)
