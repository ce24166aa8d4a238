"""What a Flask service's own commands say, as far as its text does: Flask's tutorial makes its database by one."""

import re
from pathlib import Path

from ci.detect.applications import Application
from ci.detect.files import is_test, python_files, text

COMMAND = re.compile(r"""command\(\s*["'](init-db|init_db|initdb)["']""")


def before(root: Path, application: Application) -> tuple[str, ...]:
    """The command that makes an SQLite database, which is a file of the image; none for any other database."""
    if application.kind != "Flask" or application.folder:
        return ()
    texts = [text(root / path) for path in python_files(root) if not is_test(path)]
    found = next((match[1] for content in texts if (match := COMMAND.search(content))), None)
    if found is None or not any("sqlite" in content for content in texts):
        return ()
    return (f"python -m flask --app {application.wsgi.partition(':')[0]} {found}",)
