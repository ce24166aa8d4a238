"""Errors of judging scans."""

from ci.errors import CutoverError


class ScanError(CutoverError):
    """Root of this package's errors."""


class AcceptedFileError(ScanError):
    """The file of accepted findings is not as it must be."""

    def __init__(self, what: str) -> None:
        super().__init__(f".cutover-accepted.toml {what}")


class ReportError(ScanError):
    """A scanner's report that is not what this scanner writes."""

    def __init__(self, scanner: str, what: str) -> None:
        super().__init__(f"the report of {scanner} cannot be read: {what}")


class ScannerVersionError(ScanError):
    """A Trivy that is not used: too old, or one of the releases that were compromised."""

    def __init__(self, version: str) -> None:
        super().__init__(f"Trivy {version} is not used: take 0.70 or later (0.69.4 to 0.69.6 were compromised)")
