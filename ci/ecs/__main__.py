"""``python -m ci.ecs VERB``: the result on standard output, progress and one line of error on standard error.

Exit codes: 0 what was asked is so (of a deploy: the intended digest has all of production's traffic); 1 failed; 2 wrong
words; 3 rolled back; 4 refused, nothing was begun; 5 rolled back for want of evidence; 6 could not tell, as AWS stopped
answering; 128 and the signal's number when told to stop.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from . import errors, images, words
from .clients import Aws, connect, say
from .deploy import deploy
from .errors import AwsFault, CutoverDeployError, Stopped, translated
from .history import History, history
from .interrupt import interrupted
from .kept import Shelf
from .names import Names
from .provision import Settings, provision
from .report import DRY_RUN, REFUSED, ROLLBACK, Report
from .rollback import rollback
from .status import Status, status


class _Signalled(BaseException):
    """SIGINT or SIGTERM: not an error that anything on the way may handle."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


def main(given: Sequence[str] | None = None, connected: Callable[[], Aws] = connect) -> int:
    """Runs one verb; gives the exit code."""
    verbs = {
        "publish": _publish, "provision": _provision, "deploy": _deploy, "rollback": _rollback, "status": _status,
        "history": _history,
    }  # fmt: skip
    arguments = words.parser((__doc__ or "").partition("\n")[0], verbs).parse_args(given)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)
    try:
        verb: Callable[[Aws, argparse.Namespace], int] = arguments.verb
        return verb(connected(), arguments)
    except CutoverDeployError as error:
        say(str(error))
        return error.code
    except AwsFault as error:
        say(str(translated(error)))
        return translated(error).code
    except _Signalled as stop:
        say(str(Stopped(signal=stop.signal.name)))
        return 128 + stop.signal


def _publish(aws: Aws, arguments: argparse.Namespace) -> int:
    print(images.publish(aws, arguments.prefix, arguments.archive, arguments.version, arguments.tag).reference)
    return 0


def _provision(aws: Aws, arguments: argparse.Namespace) -> int:
    names = Names(arguments.prefix, arguments.environment)
    settings = Settings(names, arguments.templates, arguments.port, arguments.health, arguments.test_cidr)
    for outcome in provision(aws, settings, dry_run=arguments.dry_run, may_replace=arguments.allow_replacement):
        print(f"{outcome.stack:<32} {outcome.done}", flush=True)
        for change in outcome.changes:
            print(f"{'':<32}   {change}", flush=True)
    return 0


def _deploy(aws: Aws, arguments: argparse.Namespace) -> int:
    told = Report(arguments.environment, arguments.version, arguments.commit, arguments.image)
    return _reported(aws, arguments, told, lambda saved: deploy(aws, words.order(arguments), told, saved))


def _rollback(aws: Aws, arguments: argparse.Namespace) -> int:
    told = Report(arguments.environment, "", "", arguments.image, verb=ROLLBACK)
    return _reported(aws, arguments, told, lambda saved: rollback(aws, words.back(arguments), told, saved))


def _status(aws: Aws, arguments: argparse.Namespace) -> int:
    return _shown(arguments, status(aws, Names(arguments.prefix, arguments.environment)))


def _history(aws: Aws, arguments: argparse.Namespace) -> int:
    return _shown(arguments, history(aws, Names(arguments.prefix, arguments.environment)))


def _shown(arguments: argparse.Namespace, found: Status | History) -> int:
    print(json.dumps(found.document(), indent=2) if arguments.json else "\n".join(found.lines()), flush=True)
    return 0


def _reported(aws: Aws, arguments: argparse.Namespace, told: Report, run: Callable[[Callable[[], None]], None]) -> int:
    """The exit code; the report is printed and kept whatever ended the run."""
    told.begun = aws.clock.now()
    shelf = Shelf(aws, Names(arguments.prefix, arguments.environment))
    try:
        code = _ran(aws, arguments, told, lambda: run(lambda: shelf.keep(told)))
    finally:
        told.ended = aws.clock.now()
        if told.outcome != DRY_RUN:
            shelf.keep(told)
        print(told.json(), flush=True)
        if arguments.report:
            arguments.report.write_text(told.json() + "\n", encoding="utf-8")
    if code:
        say(told.message)
    return code


def _ran(aws: Aws, arguments: argparse.Namespace, told: Report, run: Callable[[], None]) -> int:
    """The exit code; whatever ended the run is in the report."""
    try:
        run()
    except CutoverDeployError as error:
        told.message = str(error)
        return error.code
    except AwsFault as error:
        told.message = str(translated(error))
        return errors.REFUSED if told.outcome == REFUSED else errors.UNKNOWN
    except _Signalled as stop:
        told.message = str(interrupted(aws, Names(arguments.prefix, arguments.environment), told, stop.signal.name))
        return 128 + stop.signal
    told.message = f"{told.outcome}: {told.serves}"
    return 0


def _on_signal(number: int, _: FrameType | None) -> None:
    raise _Signalled(number)


if __name__ == "__main__":
    sys.exit(main())
