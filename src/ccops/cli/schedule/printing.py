"""The lines as they are printed: every remark is a comment, so that all of it may go into the file as it is."""

from typing import TYPE_CHECKING, Final

from ccops.cli.schedule import machine
from ccops.cli.styles import fold
from ccops.registry.config import read_config
from ccops.triggers.scheduling.crontab import cron_command
from ccops.triggers.scheduling.line import Command
from ccops.triggers.scheduling.systemd import Unit, staying, timed, unit_name
from ccops.triggers.scheduling.timetable import Ahead, ahead_of, cron_fields, on_calendar

if TYPE_CHECKING:
    from ccops.cli.schedule.asking import Asked
    from ccops.cli.session import Session
    from ccops.triggers.scheduling.timetable import Timetable

_COMMENT: Final = "# "
_FOLDER: Final = "/etc/systemd/system"
_POLL_FIELDS: Final = "*/5 * * * *"
_POLL_CALENDAR: Final = "*:0/5"


def print_crontab(session: "Session", asked: "Asked") -> None:
    """Print a crontab line, and where it goes."""
    command = cron_command(_command(session, asked))
    say = session.console.out.line
    _say_if_rehearsal(session)
    if asked.table is not None:
        ahead = ahead_of(session.registry.timezone, machine.here, session.clock.now())
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


def print_units(session: "Session", asked: "Asked") -> None:
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
    for text, mend in machine.warnings(session):
        session.console.warn(f"{text} {mend}".rstrip())


def _units(session: "Session", asked: "Asked") -> list[Unit]:
    command, name, user = _command(session, asked), unit_name(("ccops", *asked.name)), machine.user()
    title = " ".join(asked.words[:2]) if asked.table else asked.words[0]
    if asked.table is not None:
        return timed(name, title, user, command, on_calendar(asked.table, session.registry.timezone))
    if asked.words[0] == "serve":
        return [staying(name, title, user, command)]
    return timed(name, title, user, command, _POLL_CALENDAR)


def _command(session: "Session", asked: "Asked") -> Command:
    words = (*machine.program(), "--home", str(session.home.path.absolute()), *asked.words)
    return Command(words, machine.environment(session))


def _say_if_rehearsal(session: "Session") -> None:
    if read_config(session.home).sandbox:
        _remark(session, "[sandbox] This home is for rehearsals: the line works on its example contacts.")


def _remark(session: "Session", text: str) -> None:
    """Print a comment in lines that no terminal breaks: what is copied from it would be no comment then."""
    indent = text[: len(text) - len(text.lstrip())]
    for line in fold(text.lstrip(), session.console.out.width - len(_COMMENT) - len(indent)):
        session.console.out.line(_COMMENT, indent, line)


def _about(table: "Timetable", timezone: str, ahead: Ahead) -> list[str]:
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
