"""What can go wrong with a build that CodeBuild would not even start."""

from ci.errors import CutoverError


class CodeBuildError(CutoverError):
    """The root of this package's errors."""


class BuildspecError(CodeBuildError):
    """A buildspec that CodeBuild would refuse: `file` and the `place` in it, as `phases.build.commands`."""

    def __init__(self, file: str, place: str, reason: str) -> None:
        super().__init__(f"{file}: {f'{place} ' if place else ''}{reason}")
        self.file, self.place = file, place


class NoBuildspecError(CodeBuildError):
    """The commit has no buildspec at the path."""

    def __init__(self, path: str, commit: str) -> None:
        super().__init__(f"commit {commit[:12]} has no {path}; commit one, or name another with --buildspec")
        self.path, self.commit = path, commit


class CheckoutError(CodeBuildError):
    """The commit cannot be checked out."""

    def __init__(self, repository: str, commit: str, reason: str) -> None:
        super().__init__(f"{repository} cannot give {commit}: {reason}")
        self.repository, self.commit = repository, commit


class NoValueError(CodeBuildError):
    """A variable's value cannot be fetched from Parameter Store or Secrets Manager."""

    def __init__(self, name: str, place: str, reason: str) -> None:
        super().__init__(f"the variable {name} cannot be fetched from {place}: {reason}")
        self.name, self.place = name, place


class BuildTimeoutError(CodeBuildError):
    """The build took longer than its time-out."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the build was stopped: it took longer than {seconds:.0f} s (--timeout)")
        self.seconds = seconds
