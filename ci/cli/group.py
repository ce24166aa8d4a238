"""The commands that click reads: what does not call the module's functions, and the help of all."""

import importlib
import sys
from typing import Any

import click

COMMANDS = {
    "cache": ("ci.cli.cache:cache", "Show and prune what the engine keeps on this machine."),
    "call": ("ci.cli.completion:call", "Call one or more functions of the module, as `dagger call` does."),
    "check": ("ci.cli.completion:check", "Run the module's checks, all at once."),
    "codebuild": ("ci.cli.codebuild:codebuild", "Carry out the buildspec as CodeBuild does, in a clean container."),
    "demo": ("ci.cli.demo:demo", "Release a service twice and break it once, on this machine."),
    "doctor": ("ci.cli.doctor:doctor", "Check what this machine has of what the pipeline needs."),
    "functions": ("ci.cli.completion:functions", "List the module's functions."),
    "init": ("ci.cli.init:init", "Write the settings that the repository at hand needs."),
    "local": ("ci.cli.local:local", "AWS on this machine."),
    "pipeline": ("ci.cli.pipeline:pipeline", "Carry out the pipeline that AWS on this machine has."),
    "run": ("ci.cli.completion:run", "Run a program in a session of the engine, as `dagger run` does."),
    "version": ("ci.cli.version:version", "Print the version."),
}


class Lazy(click.Group):
    """A group whose commands are imported when they are used: `--help` must not pay for boto3."""

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

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; an unknown command is told with the nearest known one."""
        from ci.cli.errors import UsageError, nearest

        if args[0] not in COMMANDS:
            known = nearest(args[0], list(COMMANDS))
            raise UsageError(f'unknown command "{args[0]}" for "cutover"{known}', "cutover")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands' list, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(COMMANDS.items())])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-d", "--debug", is_flag=True, help="Show a traceback where the command itself fails.")
@click.version_option(package_name="cutover", prog_name="cutover", message="%(prog)s %(version)s")
def root(debug: bool) -> None:
    """Cutover: a pipeline you call.

    Versions, tests, builds and publishes a WSGI service, and cuts live traffic over to it, blue to green, on ECS.
    """


def run(words: list[str]) -> int:
    """Run a command by its words; gives its exit code."""
    from ci.cli.interrupt import interruptible

    try:
        with interruptible():
            status: Any = root.main(words, prog_name="cutover", standalone_mode=False)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "cutover"
        print(f"Error: {error.format_message()}\nRun '{path} --help' for usage.", file=sys.stderr)
        status = 1
    except click.ClickException as error:
        print(f"Error: {error.format_message()}", file=sys.stderr)
        status = error.exit_code
    except click.Abort as error:
        raise KeyboardInterrupt from error
    return status if isinstance(status, int) else 0
