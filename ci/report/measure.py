"""Runs one stage's command and keeps what it printed and how long it took: `python measure.py STAGE FOLDER COMMAND...`.

FOLDER gets the command's stdout, which is printed too, in `STAGE.txt`, and a line of JSON in `STAGE.jsonl`: `stage`,
`begun` (seconds since 1970), `seconds`, `exit_code`. It ends with the command's exit code. A result that comes from an
engine's cache says when it was made, on any engine. It runs in a container and needs the standard library only.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import IO

CHUNK = 1 << 16
NOT_FOUND, SIGNALLED = 127, 128  # as a shell ends


def measure(stage: str, folder: Path, words: Sequence[str], out: IO[bytes]) -> int:
    """Runs the command and keeps its record; gives its exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    begun, start = time.time(), time.monotonic()
    with (folder / f"{stage}.txt").open("ab") as kept:
        code = _run(words, (kept, out))
    record = {"stage": stage, "begun": begun, "seconds": time.monotonic() - start, "exit_code": code}
    with (folder / f"{stage}.jsonl").open("a", encoding="utf-8") as records:
        records.write(json.dumps(record) + "\n")
    return code


def _run(words: Sequence[str], outs: Sequence[IO[bytes]]) -> int:
    try:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0)
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", file=sys.stderr)
        return NOT_FOUND

    def passed_on(number: int, _: FrameType | None) -> None:
        process.send_signal(number)

    before = {number: signal.signal(number, passed_on) for number in (signal.SIGINT, signal.SIGTERM)}
    with process:
        assert process.stdout is not None
        while data := process.stdout.read(CHUNK):
            for out in outs:
                out.write(data)
                out.flush()
    for number, handler in before.items():
        signal.signal(number, handler)
    return process.returncode if process.returncode >= 0 else SIGNALLED - process.returncode


if __name__ == "__main__":
    sys.exit(measure(sys.argv[1], Path(sys.argv[2]), sys.argv[3:], sys.stdout.buffer))
