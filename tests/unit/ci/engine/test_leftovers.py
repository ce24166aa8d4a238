"""What killed processes left: removed, and nothing else."""

import os
import subprocess
import sys
import time
from pathlib import Path

from ci.engine import leftovers
from ci.engine.leftovers import STALE_SECONDS
from ci.engine.store import Store

KILLED = """
import os, signal
from pathlib import Path
from ci.engine import leftovers
folder = leftovers.secrets_folder()
(Path(folder.name) / "token").write_text("s3cret")
print(folder.name, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_secrets_of_a_killed_process_go_with_the_next_and_those_of_one_that_runs_stay() -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    left = Path(done.stdout.strip())
    assert (left / "token").exists()
    with leftovers.secrets_folder() as mine:
        assert not left.exists()
        with leftovers.secrets_folder():
            assert Path(mine).is_dir()
    assert not Path(mine).exists()


def test_old_scratch_files_and_locks_go_and_newer_ones_stay(store: Store) -> None:
    old, new = time.time() - STALE_SECONDS - 60, time.time() - 60
    for when, name in ((old, "old"), (new, "new")):
        folder = store.root / "tmp" / f"files-{name}"
        folder.mkdir()
        for path in (folder / "file", store.root / "tmp" / name, store.root / "locks" / name):
            path.touch()
        for path in (folder, store.root / "tmp" / name, store.root / "locks" / name):
            os.utime(path, (when, when))
    leftovers.sweep(store, float("inf"))
    assert {path.name for path in (store.root / "tmp").iterdir()} == {"files-new", "new"}
    assert "old" not in {path.name for path in (store.root / "locks").iterdir()}
    assert (store.root / "locks" / "new").exists()


def test_what_a_running_call_may_have_written_stays_however_old(store: Store) -> None:
    old = time.time() - 2 * STALE_SECONDS
    scratch = store.root / "tmp" / "mine"
    scratch.touch()
    os.utime(scratch, (old, old))
    leftovers.sweep(store, old - 60)
    assert scratch.exists()
