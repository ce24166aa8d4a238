"""Dagger's own engine: whether to use it, and the same words given to its command line."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ci.cli.options import Options
from ci.errors import CutoverError

ANSWER_SECONDS = 5  # until Dagger's engine must have answered where --engine is auto
KNOWN_SECONDS = {True: 3600, False: 300}  # how long that it answered, or did not, is believed
OWN = {
    "--why": False,
    "--engine": True,
}  # options that Dagger's command line does not have, and whether they take a value
RENAMED = {"--fail-fast": "--failfast"}
RUNNERS = ("_EXPERIMENTAL_DAGGER_RUNNER_HOST", "DAGGER_CLOUD_ENGINE", "DOCKER_HOST")


class NoDaggerError(CutoverError):
    """Dagger's engine is asked for and its command line is not there."""

    def __init__(self) -> None:
        super().__init__(
            "--engine dagger needs Dagger's command line, and no `dagger` is on the PATH; "
            "install it (https://docs.dagger.io/install) or use --engine embedded"
        )


def handed_over(words: Sequence[str], options: Options) -> None:
    """Run the words on Dagger's command line where the options say so: this process becomes that. Else return: the
    embedded engine is to run them.

    Raises:
        NoDaggerError: Dagger is asked for and not there.
    """
    if options.engine == "embedded":
        return
    program = shutil.which("dagger")
    if program is None and options.engine == "dagger":
        raise NoDaggerError
    if program is not None and (options.engine == "dagger" or answers(program)):
        sys.stdout.flush()
        os.execv(program, ["dagger", *own_module(translated(words, options), options)])


def translated(words: Sequence[str], options: Options) -> list[str]:
    """The words as Dagger's command line takes them: without what only this one has, quiet as its --silent."""
    found: list[str] = ["--silent"] if options.progress == "quiet" else []
    rest = list(words)
    while rest:
        if "run" in found and "call" not in found and not rest[0].startswith("-"):
            return found + rest  # the rest is the program's own
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in OWN:
            if OWN[name] and not equals:
                rest[:1] = []
        elif name == "--progress" and (value or "".join(rest[:1])) == "quiet":
            rest[: 0 if equals else 1] = []
        else:
            found.append(RENAMED.get(word, word))
    return found


def own_module(words: Sequence[str], options: Options) -> list[str]:
    """The words with Cutover's own module and its constructor's arguments, where the service here has no module."""
    from ci.cli.engine import found

    config = found(options) if "call" in words and options.mod == Options.mod else None
    if config is None or config.called_for is None:
        return list(words)
    at = list(words).index("call") + 1
    source, history = config.called_for, config.default("/.git")
    return [*words[:at], "-m", str(config.root), f"--source={source}", f"--history={history}", *words[at:]]


def answers(program: str, environ: Mapping[str, str] = os.environ, now: float | None = None) -> bool:
    """Whether Dagger's engine answers its command line; asked anew only after a while."""
    from ci.cli.engine import cache_folder

    now = time.time() if now is None else now
    info = Path(program).stat()
    asked = [program, info.st_size, info.st_mtime, *(environ.get(name) for name in RUNNERS)]
    place = cache_folder() / "dagger-engine.json"
    known = _known(place)
    if known and known["asked"] == asked and now - known["at"] < KNOWN_SECONDS[known["answered"]]:
        return bool(known["answered"])
    answered = _asked(program)
    if not answered:
        note = f"Dagger's command line is here but its engine did not answer within {ANSWER_SECONDS} s"
        print(f"{note}: running on the embedded engine (--engine dagger waits for it)", file=sys.stderr)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"asked": asked, "at": now, "answered": answered}), encoding="utf-8")
    return answered


def _known(place: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(place.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _asked(program: str) -> bool:
    try:
        done = subprocess.run(
            [program, "--silent", "--no-mod", "query"],
            input="{version}",
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "version" in done.stdout
