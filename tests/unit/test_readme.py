"""What the README says can be called, can be called."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(?:dagger|cutover) (?:-\S+ \S+ )?(\w+)(?: --\S+)*(?: ([a-z-]+))?", README, re.MULTILINE)
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]


def _printed(*words: str) -> str:
    done = subprocess.run([*CUTOVER, *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_function_in_the_readme_is_one_of_the_module() -> None:
    """`cutover call X` and `dagger call X` name functions that `cutover functions` lists."""
    called = {function for command, function in COMMANDS if command == "call"}
    listed = {line.split()[0] for line in _printed("functions").splitlines()[1:]}
    assert {"version", "test", "build", "release"} <= called <= listed


def test_every_command_in_the_readme_is_one_of_the_command_line() -> None:
    """`cutover X` is what `cutover --help` lists."""
    used = set(re.findall(r"^cutover (\w+)", README, re.MULTILINE))
    assert used <= set(re.findall(r"^  (\w+)  ", _printed("--help"), re.MULTILINE))


def test_every_option_in_the_readme_is_one_that_call_takes() -> None:
    """The options of its paragraph stand in `cutover call --help`, with the choices that it names."""
    text = " ".join(_printed("call", "--help").split())
    paragraph = README[README.index("Options that stand anywhere") :].partition("\n\n")[0]
    for option, choices in re.findall(r"`(--?[a-z]+)(?: ([a-z|]+))?`", paragraph):
        assert f"{option} " in text or f"{option}, " in text
        assert all(choice in text for choice in choices.split("|"))


def test_every_make_target_in_the_readme_is_in_the_menu() -> None:
    """`make X` is a target of the Makefile, and one that `make help` shows."""
    targets = set(re.findall(r"^(\w+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`?make (\w+)`?", README)) <= targets
