"""`ccops schedule`: prints the lines by which the machine starts ccops on its own."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ccops.app.schedule import (
    ShellCommand,
    Timetable,
    Unit,
    ZoneLead,
    ahead_of,
    cron_command,
    cron_fields,
    on_calendar,
    staying,
    timed,
    timetable,
    unit_name,
)
from ccops.cli.command_line import command, new_app
from ccops.cli.contacts import contact_of
from ccops.cli.context import session_of
from ccops.cli.options import complete_operation
from ccops.cli.output import fold
from ccops.cli.value_checks import check_unsaid
from ccops.config.settings import read_config
from ccops.errors import Misconfigured
from ccops.files import regular_file
from ccops.operations.model import PERIODS
from ccops.text import clean, folded, tidy

if TYPE_CHECKING:
    from ccops.app.schedule import Rhythm
    from ccops.cli.context import Session
    from ccops.config.settings import ConfigTable
    from ccops.operations.model import Operation

app = new_app()

NameArgument = Annotated[
    str | None, typer.Argument(metavar="OPERATION", autocompletion=complete_operation, parser=tidy, show_default=False)
]
ContactsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="CONTACT", help="E-mail addresses, or Kit's ids.")
]


@dataclass(frozen=True, slots=True)
class SelectionOptions:
    """The options that say for whom."""

    tagged: Annotated[
        str | None, typer.Option("--tagged", metavar="TAG", help="All who carry this tag: its name or id.")
    ] = None
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="All in this file, read anew each time.")
    ] = None
    all_: Annotated[bool, typer.Option("--all", help="All contacts.")] = False

    def given(self) -> list[object]:
        """Return the selections that were made."""
        return [way for way in (self.tagged is not None, self.file is not None, self.all_) if way]


@dataclass(frozen=True, slots=True)
class WhenOptions:
    """The options that say when."""

    daily: Annotated[bool, typer.Option("--daily", help="Once a day.")] = False
    weekly: Annotated[bool, typer.Option("--weekly", help="Once a week.")] = False
    monthly: Annotated[bool, typer.Option("--monthly", help="Once a month.")] = False
    quarterly: Annotated[bool, typer.Option("--quarterly", help="Once in three months.")] = False
    yearly: Annotated[bool, typer.Option("--yearly", help="Once a year.")] = False
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="In the registry's time zone; else 06:00.")] = (
        None
    )
    day: Annotated[
        int | None,
        typer.Option("--day", metavar="N", help="Of the month, or of the week (1: Monday); else the first."),
    ] = None
    poll: Annotated[bool, typer.Option("--poll", help="Look for trigger tags every five minutes.")] = False
    serve: Annotated[bool, typer.Option("--serve", help="Receive webhooks and POSTs, from the start on.")] = False

    def rhythms(self) -> "list[Rhythm]":
        """Return the rhythms that were asked for."""
        asked: list[tuple[Rhythm, bool]] = [
            ("day", self.daily),
            ("week", self.weekly),
            ("month", self.monthly),
            ("quarter", self.quarterly),
            ("year", self.yearly),
        ]
        return [rhythm for rhythm, is_asked in asked if is_asked]


Systemd = Annotated[bool, typer.Option("--systemd", help="Units of systemd instead of a crontab line.")]


@command(
    app,
    "schedule",
    """
    ccops schedule monthly-grant --tagged "Member: Gold" --monthly
    ccops schedule monthly-grant --all --monthly --day 15 --at 07:30
    ccops schedule monthly-grant --tagged "Member: Gold" --monthly --systemd
    ccops schedule --poll
    """,
    looks=True,
)
def schedule(
    ctx: typer.Context,
    whom: SelectionOptions,
    when: WhenOptions,
    operation: NameArgument = None,
    contact: ContactsArgument = None,
    systemd: Systemd = False,
) -> None:
    """Print the line by which cron or systemd starts ccops.

    Nothing is installed: a comment says where it goes. Each period has several tries, so that a machine that was off
    catches up; whoever has it already is passed over.
    """
    session = session_of(ctx)
    wanted = asked(session, operation, contact, whom, when)
    (print_units if systemd else print_crontab)(session, wanted)
    warn(session)


# ---- what a machine that starts ccops on its own has to be told, since nothing of this shell is there

_SETTINGS: Final = ("CCOPS_RATE", "CCOPS_SETTLE_AFTER", "CCOPS_ACTOR")
"""Variables that are settings, without secrets."""
_CERTIFICATES: Final = "REQUESTS_CA_BUNDLE"
_PROXIES: Final = ("HTTPS_PROXY", "https_proxy")


def program() -> list[str]:
    """Return the words that start ccops from anywhere; a link, such as pipx makes, outlives updates and stays one."""
    called = Path(sys.argv[0])
    if called.name == "ccops" and called.is_file():
        return [str(called.absolute())]
    return [sys.executable, "-m", "ccops"]


def environment(session: "Session") -> dict[str, str]:
    """Return the variables of this shell that hold settings, and PATH if the key's command has to be found by it."""
    from ccops.cli.value_checks import check_unsaid

    file = read_config(session.home)
    kept = {name: session.environ[name] for name in _SETTINGS if session.environ.get(name)}
    if not file.sandbox:
        kept |= _way_to_kit(session)
    if file.api_key_command and not file.api_key and session.environ.get("PATH"):
        kept["PATH"] = session.environ["PATH"]
    for name, value in kept.items():
        check_unsaid(session, value, name)
    return kept


def has_key(session: "Session", file: "ConfigTable") -> bool:
    """Tell whether a home has a key or a login of its own, so that whoever starts ccops finds one."""
    return bool(file.api_key or file.api_key_command or session.home.grant.exists())


def warnings(session: "Session") -> Iterator[tuple[str, str]]:
    """Give what the line will lack, each with what mends it."""
    file = read_config(session.home)
    if file.sandbox:
        return
    if not has_key(session, file):
        lacks = "the line will have no key, and Kit will not be reached"
        if session.environ.get("KIT_API_KEY"):
            yield f"the key is in this shell alone, so {lacks}. Store it:", "ccops init --save-key"
        else:
            yield f"no key is stored, so {lacks}. Store one:", "ccops login"
    for name in _PROXIES:
        if session.environ.get(name):
            yield f"{name} is set in this shell, but not in what is printed, since it may hold a password.", ""


def _way_to_kit(session: "Session") -> dict[str, str]:
    given = {name: session.environ.get(name) for name in ("KIT_API_URL", _CERTIFICATES)}
    kept = {name: value for name, value in given.items() if value}
    return kept | ({"KIT_API_URL": session.settings.api_url} if "KIT_API_URL" in kept else {})


def this_machine(moment: datetime) -> datetime:
    """Take a moment to this machine's own zone."""
    return moment.astimezone()


def this_user() -> str:
    """Return who is to start it: whoever asks, also through sudo."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return str(os.getuid())


# ---- the lines as they are printed: every remark is a comment, so that all of it may go into the file as it is

_COMMENT: Final = "# "
_FOLDER: Final = "/etc/systemd/system"
_POLL_FIELDS: Final = "*/5 * * * *"
_POLL_CALENDAR: Final = "*:0/5"


def print_crontab(session: "Session", asked: "ScheduledCommand") -> None:
    """Print a crontab line, and where it goes."""
    command = cron_command(_command(session, asked))
    say = session.console.out.line
    _say_if_rehearsal(session)
    if asked.table is not None:
        ahead = ahead_of(session.registry.timezone, this_machine, session.clock.now())
        for remark in _about(asked.table, session.registry.timezone, ahead):
            _remark(session, remark)
        fields = cron_fields(asked.table, ahead)
    elif asked.words[0] == "serve":
        _remark(session, "Cron starts it with the machine, but not again after a crash: systemd does (--systemd).")
        fields = "@reboot"
    else:
        fields = _POLL_FIELDS
    say("# Add this as a line of its own, with: crontab -e")
    say(f"{fields} {command}")


def print_units(session: "Session", asked: "ScheduledCommand") -> None:
    """Print units of systemd, each under the name of its file, and how they are put to work."""
    units = _units(session, asked)
    say = session.console.out.line
    _say_if_rehearsal(session)
    for unit in units:
        say(f"# {_FOLDER}/{unit.name}")
        for line in unit.text.splitlines():
            say(line)
        say()
    say("# Put each part into the file that is named above it, then:")
    say("#   sudo systemctl daemon-reload")
    say(f"#   sudo systemctl enable --now {units[-1].name}")
    say(f"# What it said: journalctl -u {units[0].name}")


def warn(session: "Session") -> None:
    """Say on stderr what the line will lack, and what mends that."""
    for text, mend in warnings(session):
        session.console.warn(f"{text} {mend}".rstrip())


def _units(session: "Session", asked: "ScheduledCommand") -> list[Unit]:
    command, name, user = _command(session, asked), unit_name(("ccops", *asked.name)), this_user()
    title = " ".join(asked.words[:2]) if asked.table else asked.words[0]
    if asked.table is not None:
        return timed(name, title, user, command, on_calendar(asked.table, session.registry.timezone))
    if asked.words[0] == "serve":
        return [staying(name, title, user, command)]
    return timed(name, title, user, command, _POLL_CALENDAR)


def _command(session: "Session", asked: "ScheduledCommand") -> ShellCommand:
    words = (*program(), "--home", str(session.home.path.absolute()), *asked.words)
    return ShellCommand(words, environment(session))


def _say_if_rehearsal(session: "Session") -> None:
    if read_config(session.home).sandbox:
        _remark(session, "[sandbox] This home is for rehearsals: the line works on its example contacts.")


def _remark(session: "Session", text: str) -> None:
    """Print a comment in lines that no terminal breaks: what is copied from it would be no comment then."""
    indent = text[: len(text) - len(text.lstrip())]
    for line in fold(text.lstrip(), session.console.out.width - len(_COMMENT) - len(indent)):
        session.console.out.line(_COMMENT, indent, line)


def _about(table: "Timetable", timezone: str, ahead: ZoneLead) -> list[str]:
    """Say when it comes, and what a cron can't."""
    tries = "Several times a day" if table.rhythm == "day" else "On several days"
    said = (
        f"Each {table.rhythm}, from {table.at:%H:%M} {timezone} on. {tries}, so that a machine that was off catches "
        "up; whoever has it already is passed over."
    )
    if not (ahead.least or ahead.most):
        return [said]
    here = (
        "The time is this machine's. A cron that knows CRON_TZ (Fedora's, RHEL's, Arch's; not Debian's, Ubuntu's, "
        "macOS's) keeps the hour all year by two lines; the first, and how the second begins:"
    )
    return [said, here, f"  CRON_TZ={timezone}", f"  {cron_fields(table)}"]


# ---- what can't be scheduled as it was asked for

SELECTIONS: Final = "contacts, --tagged, --file or --all"
RHYTHMS: Final = "--daily, --weekly, --monthly, --quarterly or --yearly"


class NotOneRhythm(Misconfigured):
    """The command line says nothing, or too much, about when."""

    mend = 'ccops schedule OPERATION --tagged "TAG" --monthly\nccops schedule --poll'

    def __init__(self, *, several: bool) -> None:
        what = "says more than one thing" if several else "says nothing"
        super().__init__(
            f"the command line {what} about what is to be started when. For an operation, name one of {RHYTHMS}; else "
            "--poll or --serve."
        )


class NotOneSelection(Misconfigured):
    """The command line names no contacts, or names them in two ways."""

    def __init__(self, operation: str) -> None:
        self.mend = f'ccops schedule {operation} --tagged "TAG" --monthly'
        super().__init__(f"for whom is {operation} to be run? Name one of: {SELECTIONS}.")


class NothingToSelect(Misconfigured):
    """What does not go with --poll and --serve was given all the same, or the operation is missing."""

    def __init__(self, what: str) -> None:
        self.mend = "ccops schedule --help"
        super().__init__(what)


class ScheduleOwnTag(Misconfigured):
    """The operation's own trigger tag is no selection: poll works it off."""

    mend = "ccops schedule --poll"

    def __init__(self, operation: str, tag: str) -> None:
        super().__init__(f'"{tag}" is the tag that starts {operation} itself, so that poll looks for it.')


class CountsOftener(Misconfigured):
    """Several tries in a period are harmless only if the operation counts no more than once in it."""

    def __init__(self, operation: str, once_per: str, rhythm: str) -> None:
        self.mend = f"ccops op edit {operation} --once-per {rhythm}"
        super().__init__(
            f"{operation} counts once per {once_per} (once_per in operations.toml), so lines for several days of a "
            f"{rhythm} would count it several times. Nothing was printed."
        )


class NoTime(Misconfigured):
    """--at is no time of day."""

    mend = "write it like --at 06:00"

    def __init__(self) -> None:
        super().__init__("--at takes a time of day, hours and minutes. Nothing was printed.")


class NoStdin(Misconfigured):
    """Cron has no stdin to read contacts from."""

    mend = "name a file that stays where it is: --file members.csv"

    def __init__(self) -> None:
        super().__init__("--file - reads what is typed or piped in, and where cron starts things there is nothing.")


class NotLasting(Misconfigured):
    """The file can't be read again and again, as a schedule does."""

    mend = NoStdin.mend

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"--file {clean(str(path))} can't be read each time it runs: {reason}. Nothing was printed.")


# ---- from the command line to what is to be started, and when

_TIME: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DEFAULT_TIME: Final = time(6)
"""After the night's changes of clocks and before people look."""


@dataclass(frozen=True, slots=True)
class ScheduledCommand:
    """What is to be started, in ccops's own words."""

    words: tuple[str, ...]
    name: tuple[str, ...]
    """What tells it from other schedules."""
    table: Timetable | None
    """None: poll, every few minutes, and serve, which stays."""


def asked(
    session: "Session",
    operation: str | None,
    contacts: "ContactsArgument",
    whom: "SelectionOptions",
    when: "WhenOptions",
) -> ScheduledCommand:
    """Return what is to be started when. Raises Misconfigured."""
    rhythms = when.rhythms()
    if len(rhythms) + when.poll + when.serve != 1:
        raise NotOneRhythm(several=bool(rhythms or when.poll or when.serve))
    _ = session.registry  # a home that is none, or has mistakes in it, is said now, not by cron at night
    if not rhythms:
        return _standing(session, operation, contacts or whom.given(), when)
    if operation is None:
        raise NothingToSelect("which operation is to be run? Its name comes first.")
    return _run(session, session.operation(operation), contacts, whom, rhythms[0], when)


def _standing(session: "Session", operation: str | None, others: object, when: "WhenOptions") -> ScheduledCommand:
    """Return a poll or a serve, which select contacts by themselves."""
    name = "poll" if when.poll else "serve"
    if others or when.at is not None or when.day is not None:
        raise NothingToSelect(f"--{name} selects contacts and times by itself.")
    if operation is None:
        return ScheduledCommand((name, "--quiet"), (name,), None)
    if name == "serve":
        raise NothingToSelect("--serve works for all operations, so that none is named.")
    session.operation(operation)
    return ScheduledCommand((name, operation, "--quiet"), (name, operation), None)


def _run(
    session: "Session",
    known: "Operation",
    contacts: "ContactsArgument",
    whom: "SelectionOptions",
    rhythm: "Rhythm",
    when: "WhenOptions",
) -> ScheduledCommand:
    if len([way for way in (contacts, *whom.given()) if way]) != 1:
        raise NotOneSelection(known.name)
    if known.once_per is not None and PERIODS.index(known.once_per) < PERIODS.index(rhythm):
        raise CountsOftener(known.name, known.once_per, rhythm)
    table = timetable(rhythm, _time(when.at), when.day)
    selected, name = _selected(session, known, contacts, whom)
    counted = () if known.once_per else ("--once-per", rhythm)
    words = ("run", known.name, *selected, *counted, "--quiet", *(("--yes",) if whom.all_ else ()))
    return ScheduledCommand(words, (known.name, *name), table)


def _selected(
    session: "Session", known: "Operation", contacts: "ContactsArgument", whom: "SelectionOptions"
) -> tuple[list[str], list[str]]:
    """Return the words that select the contacts, and what tells this selection from others."""
    if whom.tagged is not None:
        check_unsaid(session, whom.tagged, "--tagged")
        own = known.tag
        if own is not None and folded(whom.tagged) in {str(own.id), folded(own.name)}:
            raise ScheduleOwnTag(known.name, clean(own.name))
        return ["--tagged", whom.tagged], [whom.tagged]
    if whom.file is not None:
        if whom.file == Path("-"):
            raise NoStdin
        return ["--file", str(_lasting(whom.file.expanduser().absolute()))], [whom.file.stem]
    if whom.all_:
        return ["--all"], ["all"]
    return [str(contact_of(word)) for word in contacts or ()], []


def _lasting(path: Path) -> Path:
    """Demand that a file can be read each time; it may come later. Raises NotLasting."""
    try:
        regular_file(path)
    except OSError as error:
        raise NotLasting(path, error.strerror or type(error).__name__) from error
    return path


def _time(text: str | None) -> time:
    if text is None:
        return _DEFAULT_TIME
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise NoTime
    return time(int(found[1]), int(found[2]))
