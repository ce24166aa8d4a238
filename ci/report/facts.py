"""What the report is told by who asks for it, and what the stages' files say: plain values, no reading here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")  # the gravest first
STAGES = ("lint", "types", "test", "scan", "image")  # in the order in which a reader looks at them


@dataclass(frozen=True)
class Limits:
    """The gates' limits: percent of the tests that pass, percent of coverage, megabytes (10^6 bytes) of the compressed
    image (None: any)."""

    pass_rate: float = 100.0
    coverage: float = 80.0
    image_megabytes: float | None = None


@dataclass(frozen=True)
class Asked:
    """What the report is of. `begun` is seconds since 1970; `waited` seconds a stage; `broken` stages that could not
    run, with why."""

    service: str
    version: str
    commit: str
    begun: float
    limits: Limits = field(default_factory=Limits)
    waited: Mapping[str, float] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Asked":
        """From its JSON."""
        return cls(**{**document, "limits": Limits(**document["limits"])})


@dataclass(frozen=True)
class Case:
    """A test: `outcome` is passed, failed, error or skipped; `file` and `line` of its failure, where they are known."""

    name: str
    outcome: str
    seconds: float
    message: str = ""
    detail: str = ""
    file: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Measured:
    """A file's lines: `missing` are those that no test ran."""

    file: str
    lines: int
    missing: tuple[int, ...]

    @property
    def percent(self) -> float:
        """What is covered of it."""
        return 100.0 * (self.lines - len(self.missing)) / self.lines if self.lines else 100.0


@dataclass(frozen=True)
class Finding:
    """What a tool found, where."""

    stage: str
    tool: str
    rule: str
    level: Level
    message: str
    file: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Ran:
    """A stage's record: when its command began (seconds since 1970), how long it took, how it ended."""

    begun: float
    seconds: float
    exit_code: int


@dataclass(frozen=True)
class Package:
    """A package of the SBOM."""

    name: str
    version: str
    licences: tuple[str, ...] = ()
