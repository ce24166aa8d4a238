"""What can go wrong with a pipeline beside an action that fails."""

from ci.errors import CutoverError


class PipelineError(CutoverError):
    """The root of this package's errors."""


class NoPipelineError(PipelineError):
    """There is no such pipeline."""

    def __init__(self, name: str, endpoint: str) -> None:
        todo = "deploy infra/templates/pipeline.yaml there (aws cloudformation deploy), or name another"
        super().__init__(f"{endpoint} has no pipeline {name}; {todo}")
        self.name, self.endpoint = name, endpoint


class NotServedError(PipelineError):
    """An action or a rule that is not carried out on this machine."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what} is not carried out on this machine")
        self.place, self.what = place, what


class NoVariableError(PipelineError):
    """An action asks for a variable that no action before it has given."""

    def __init__(self, place: str, variable: str) -> None:
        super().__init__(f"{place} asks for #{{{variable}}}, which no action before it has given")
        self.place, self.variable = place, variable


class ApiError(PipelineError):
    """AWS on this machine did not answer as it must."""
