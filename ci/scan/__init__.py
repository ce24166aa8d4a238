"""Judging what the scanners found: one form for all findings, accepted ones, the gate, and the reports."""

from ci.scan.gate import Rules as Rules
from ci.scan.trivy import check_version as check_version
