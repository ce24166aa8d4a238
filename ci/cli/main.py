"""The `cutover` command."""

import importlib
import signal
import sys
from types import FrameType
from typing import Any

import click

INTERRUPTED = 130  # as a shell reports SIGINT
COMMANDS = {
    "call": ("ci.cli.call:call", "Call one or more functions of the module, as `dagger call` does."),
    "demo": ("ci.cli.demo:demo", "Release a service twice and break it once, on this machine."),
    "functions": ("ci.cli.call:functions", "List the module's functions."),
    "local": ("ci.cli.local:local", "AWS on this machine."),
}


class Lazy(click.Group):
    """A group whose commands are imported when they are used: `--help` and `functions` must not pay for boto3."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands' names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands' list, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(COMMANDS.items())])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cutover", prog_name="cutover")
def root() -> None:
    """Cutover: a pipeline you call.

    Versions, tests, builds and publishes a WSGI service, and cuts live traffic over to it, blue to green, on ECS.
    """


def main() -> None:
    """Run the command; what was started is removed also on SIGTERM and Ctrl-C."""
    signal.signal(signal.SIGTERM, _terminated)
    # A shell starts what runs in the background with SIGINT ignored; a call must be ended by it all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status: Any = root.main(prog_name="cutover", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Error: interrupted; what this call started has been removed", err=True)
        status = INTERRUPTED
    sys.exit(status if isinstance(status, int) else 0)


def _terminated(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt
