"""The root of the module's and the command's errors."""


class CutoverError(Exception):
    """A mistake that is told in one sentence: what is wrong, where, and what to do. `exit_code` is what the command ends with."""

    exit_code = 1
