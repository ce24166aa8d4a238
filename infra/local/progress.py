"""What the server process tells its starter through its log."""

PROGRESS = "PROGRESS "
READY = "READY"
