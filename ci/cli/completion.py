"""The commands that read their words themselves, as click sees them: for completion of functions and flags."""

import click


class Words(click.Command):
    """A command whose words are not click's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """All words are left as they are."""
        ctx.args = list(args)
        return []


call = Words("call", add_help_option=False)
functions = Words("functions", add_help_option=False)
