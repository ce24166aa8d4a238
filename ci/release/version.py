"""A version: three numbers (https://semver.org)."""

import re
from dataclasses import dataclass

from ci.release.errors import NotAVersionError

NUMBER = r"(0|[1-9][0-9]{0,8})"
VERSION = re.compile(rf"v?{NUMBER}\.{NUMBER}\.{NUMBER}")


@dataclass(frozen=True, order=True)
class Version:
    """A released version; compares as semver does. Pre-releases are not made here."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """The version in `X.Y.Z` or `vX.Y.Z`.

        Raises:
            NotAVersionError: it is none.
        """
        match = VERSION.fullmatch(text)
        if match is None:
            raise NotAVersionError(text)
        return cls(*(int(part) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @property
    def is_major(self) -> bool:
        """Whether it begins a major version, which may break whoever calls the service; 0.x is none."""
        return self.major > 0 and self.minor == self.patch == 0

    def bumped(self, level: str) -> "Version":
        """The version after a change of this level: `major`, `minor`, `patch` or `none`."""
        if level == "major" and self.major == 0:
            level = "minor"
        return {
            "major": Version(self.major + 1, 0, 0),
            "minor": Version(self.major, self.minor + 1, 0),
            "patch": Version(self.major, self.minor, self.patch + 1),
            "none": self,
        }[level]


FIRST, STABLE = Version(0, 1, 0), Version(1, 0, 0)
LEVELS = ("none", "patch", "minor", "major")
