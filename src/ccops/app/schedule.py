"""When something comes: on which days and hours, by the registry's zone, and by the calendar of a machine's cron.

Each period has several tries, so that a machine that was off at the first one catches up; `once_per` makes what comes
after the first a repetition.
"""

import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ccops.errors import Misconfigured
from ccops.text import shorten

Rhythm = Literal["day", "week", "month", "quarter", "year"]

_LAST_DAY: Final[dict[Rhythm, int]] = {"week": 7, "month": 28, "quarter": 28, "year": 28}
"""Of the first tries: no month is shorter than 28 days."""
_TRIES: Final[dict[Rhythm, int]] = {"week": 3, "month": 7, "quarter": 7, "year": 7}
"""On how many days in a row."""
_HOURS_BETWEEN: Final = 4
"""Of the tries within one day."""
_NOON: Final = 12
_DAY: Final = 24 * 60
_LONGEST_MONTH: Final = 31
_SHORTEST_MONTH: Final = 28
_WEEK: Final = 7
_MONTHS: Final[dict[Rhythm, tuple[int, ...]]] = {"quarter": (1, 4, 7, 10), "year": (1,)}
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class NoSuchScheduleDay(Misconfigured):
    """A day that not every period has."""

    def __init__(self, day: int, rhythm: Rhythm) -> None:
        self.mend = "leave --day out, or see: ccops schedule --help"
        if rhythm == "day":
            what = "--day does not go with --daily"
        elif rhythm == "week":
            what = f"--day {day} is no day of the week: 1 is Monday, 7 is Sunday"
        else:
            what = f"--day {day} is not in every month: it is 1 to {_LAST_DAY[rhythm]}"
        super().__init__(f"{what}. Nothing was printed.")


@dataclass(frozen=True, slots=True)
class Timetable:
    """The first try of each period: the day (of the week, or of the period's first month) and the time of day."""

    rhythm: Rhythm
    at: time
    day: int = 1

    def days(self) -> range:
        """Return the days of the tries, all of them in the period of the first."""
        last = _WEEK if self.rhythm == "week" else _LONGEST_MONTH
        return range(self.day, min(self.day + _TRIES[self.rhythm], last + 1))

    def hours(self) -> range:
        """Return the hours of the tries of each day."""
        return range(self.at.hour, 24, _HOURS_BETWEEN if self.rhythm == "day" else 24)


@dataclass(frozen=True, slots=True)
class ZoneLead:
    """By how much a machine's local time is ahead of the registry's: the least and the most within a year."""

    least: timedelta
    most: timedelta


def timetable(rhythm: Rhythm, at: time, day: int | None) -> Timetable:
    """Make a timetable. Raises NoSuchDay."""
    if day is not None and (rhythm == "day" or not 1 <= day <= _LAST_DAY[rhythm]):
        raise NoSuchScheduleDay(day, rhythm)
    return Timetable(rhythm, at, day or 1)


def ahead_of(timezone: str, here: Callable[[datetime], datetime], now: datetime) -> ZoneLead:
    """Compare a machine's local time (`here` takes a moment to it) with a zone, day by day through the coming year."""
    zone = ZoneInfo(timezone)
    moments = [now + timedelta(days=day) for day in range(366)]
    offsets = [_offset(here(moment)) - _offset(moment.astimezone(zone)) for moment in moments]
    return ZoneLead(min(offsets), max(offsets))


def on_calendar(table: Timetable, timezone: str) -> str:
    """Write a timetable as systemd's OnCalendar, which knows zones."""
    hours = ",".join(f"{hour:02}" for hour in table.hours())
    clock = f"{hours}:{table.at.minute:02}:00 {timezone}"
    if table.rhythm == "day":
        return f"*-*-* {clock}"
    days = table.days()
    if table.rhythm == "week":
        first, last = _WEEKDAYS[days[0] - 1], _WEEKDAYS[days[-1] - 1]
        return f"{first if first == last else f'{first}..{last}'} *-*-* {clock}"
    months = ",".join(f"{month:02}" for month in _MONTHS.get(table.rhythm, ())) or "*"
    return f"*-{months}-{days[0]:02}..{days[-1]:02} {clock}"


def cron_fields(table: Timetable, ahead: ZoneLead = ZoneLead(timedelta(), timedelta())) -> str:
    """Write a timetable as the first five fields of a crontab line, by the machine's local time."""
    days, minute = divmod(_minutes(table, ahead), _DAY)
    if table.rhythm == "day":
        hours = sorted((hour - table.at.hour + minute // 60) % 24 for hour in table.hours())
        return f"{minute % 60} {_listed(hours)} * * *"
    if table.rhythm == "week":
        weekdays = sorted((day + days - 1) % _WEEK + 1 for day in table.days())
        return f"{minute % 60} {minute // 60} * * {_listed(weekdays)}"
    if table.day + days < 1:  # the day before belongs to another month; midnight here is later on the same day there
        days, minute = 0, 0
    months = _listed(_MONTHS.get(table.rhythm, ())) or "*"
    return f"{minute % 60} {minute // 60} {_listed(_month_days(table, days))} {months} *"


def _minutes(table: Timetable, ahead: ZoneLead) -> int:
    """Return the local time of the first try, in minutes from midnight of its day; less than 0 is the day before.

    Where the difference changes in the course of a year, a morning's tries come later in a part of it and the others
    earlier, so that none leaves its day.
    """
    shift = ahead.most if table.at.hour < _NOON else ahead.least
    return table.at.hour * 60 + table.at.minute + shift // timedelta(minutes=1)


def _month_days(table: Timetable, shift: int) -> list[int]:
    """Return the days of the month that are, so many days later, the machine's."""
    here = [day + shift for day in table.days() if 1 <= day + shift <= _LONGEST_MONTH]
    # February's last day may be the first of March here; in other months that is one more try, on the last day.
    over = range(1, shift + 1) if table.rhythm == "month" and table.day + shift > _SHORTEST_MONTH else ()
    return sorted({*here, *over})


def _listed(numbers: Iterable[int]) -> str:
    """Write numbers as cron reads them: "1-7", "1,4,7"."""
    several = list(numbers)
    if len(several) > 1 and several == list(range(several[0], several[-1] + 1)):
        return f"{several[0]}-{several[-1]}"
    return ",".join(map(str, several))


def _offset(moment: datetime) -> timedelta:
    return moment.utcoffset() or timedelta()


# ---- A command as a machine starts it: its words and the environment that it needs, neither of which may break a
# line


class Unwritable(Misconfigured):
    """A word with line ends or other invisible characters: no crontab and no unit can hold it."""

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{shorten(word)} has characters in it that no crontab and no unit can hold. Nothing was printed. Name the "
            "tag by its id, or the file by another name."
        )


@dataclass(frozen=True, slots=True)
class ShellCommand:
    """Words and environment of a command. Raises Unwritable."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word in (*self.words, *self.environment.values()):
            if not word.isprintable():
                raise Unwritable(word)


# ---- lines for a crontab: five fields, and a command for /bin/sh

_LONGEST: Final = 990
"""Characters of a command; Vixie's cron and its children refuse one of more than 998."""


class LineTooLong(Misconfigured):
    """Cron takes no lines of this length."""

    mend = "put the contacts into a file, one a line, and name it with --file, or give them a tag (--tagged)"

    def __init__(self, length: int) -> None:
        super().__init__(f"the line would have {length:,} characters, more than cron takes. Nothing was printed.")


def cron_command(command: ShellCommand) -> str:
    """Write a command as a crontab has it, where a % ends the line unless it is escaped. Raises LineTooLong."""
    assigned = [f"{name}={shlex.quote(value)}" for name, value in command.environment.items()]
    written = " ".join([*assigned, *map(shlex.quote, command.words)]).replace("%", r"\%")
    if len(written) > _LONGEST:
        raise LineTooLong(len(written))
    return written


# ---- units of systemd: a service, and for what comes by the calendar the timer that starts it

_PLAIN: Final = re.compile(r"[A-Za-z0-9_@:,./=+-]+")
_LONGEST_NAME: Final = 80

_SERVICE: Final = """\
[Unit]
Description=ccops {title}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={user}
{environment}ExecStart={start}
NoNewPrivileges=yes
"""
_TIMER: Final = """\
[Unit]
Description=When to start ccops {title}

[Timer]
OnCalendar={calendar}
Persistent=true

[Install]
WantedBy=timers.target
"""
_STAYING: Final = """\
[Unit]
Description=ccops {title}
Wants=network-online.target
After=network-online.target

[Service]
User={user}
{environment}ExecStart={start}
Restart=always
RestartSec=5
# Settings that are wrong (2) and a refused key (3) need a person first.
RestartPreventExitStatus=2 3
# What is in hand is finished first.
TimeoutStopSec=120
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=full

[Install]
WantedBy=multi-user.target
"""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit file."""

    name: str
    text: str


def timed(name: str, title: str, user: str, command: ShellCommand, calendar: str) -> list[Unit]:
    """Return a service that does one thing, and the timer that starts it."""
    service = _SERVICE.format(
        title=_literal(title), user=_literal(user), environment=_environment(command), start=_start(command)
    )
    return [
        Unit(f"{name}.service", service),
        Unit(f"{name}.timer", _TIMER.format(title=_literal(title), calendar=calendar)),
    ]


def staying(name: str, title: str, user: str, command: ShellCommand) -> Unit:
    """Return a service that starts with the machine and stays."""
    text = _STAYING.format(
        title=_literal(title), user=_literal(user), environment=_environment(command), start=_start(command)
    )
    return Unit(f"{name}.service", text)


def unit_name(parts: Iterable[str]) -> str:
    """Make the name of a unit, without its kind: "ccops-monthly-grant-member-gold"."""
    plain = unicodedata.normalize("NFKD", "-".join(parts)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_NAME].strip("-")


def _start(command: ShellCommand) -> str:
    program, *others = command.words
    # A dollar is left alone in the program's own name.
    return " ".join([_quoted(program), *(_quoted(word).replace("$", "$$") for word in others)])


def _environment(command: ShellCommand) -> str:
    return "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in command.environment.items())


def _quoted(word: str) -> str:
    """Write a word as systemd reads it (systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting")."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = _literal(word).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _literal(text: str) -> str:
    return text.replace("%", "%%")
