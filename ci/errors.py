"""The root of the module's and the command's errors."""


class CutoverError(Exception):
    """A mistake told in one sentence: what is wrong, where, what to do; `exit_code` is what the command ends with."""

    exit_code = 1
