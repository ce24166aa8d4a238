"""The SDK as a module's process imports it: lighter, and with all its checks."""

import subprocess
import sys

LIGHTER = "from ci.engine.modules import host\nwith host._lighter():\n    import dagger\nimport httpx\n"
PLAIN = "import dagger\n"
PROGRAM = """
import asyncio, inspect, sys
import beartype
from dagger import dag

assert beartype.beartype.__module__.startswith("beartype")
container = dag.container()
held = container.with_workdir
assert inspect.iscoroutinefunction(dagger.Container.stdout)
assert "address" in inspect.signature(dagger.Container.from_).parameters
for wrong in (lambda: container.from_(3), lambda: held(None), lambda: asyncio.run(dag.directory().file(1).size()),
              lambda: dag.directory().with_new_file("a", "b").diff(3)):
    try:
        wrong()
    except TypeError as error:
        print(error)
print(type(held("/src").with_exec(["true"])).__name__)
"""


def _printed(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_client_refuses_wrong_types_in_the_same_words_though_checks_are_made_when_a_method_is_called() -> None:
    expected = _printed(PLAIN + PROGRAM)
    assert "Container.from_()" in expected and expected.endswith("\nContainer\n")
    assert _printed(LIGHTER + PROGRAM) == expected


def test_nothing_is_imported_that_only_a_command_line_of_the_http_library_needs() -> None:
    assert _printed(LIGHTER + "import sys\nprint('click' in sys.modules, 'httpx._main' in sys.modules)") == (
        "False False\n"
    )


def test_a_call_connects_without_reading_a_bundle_of_certificates() -> None:
    program = (
        "import dagger.client._session as s\nhost._without_certificates()\nprint(s.TelemetryTransport()._pool is None)"
    )
    gone = "import os\nos.environ['SSL_CERT_FILE'] = '/no/such/bundle'\n"
    assert _printed(gone + LIGHTER + program) == "False\n"
