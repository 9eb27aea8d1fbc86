"""Units of systemd: a service, and for what comes by the calendar the timer that starts it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ccops.triggers.scheduling.line import Command

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


def timed(name: str, title: str, user: str, command: Command, calendar: str) -> list[Unit]:
    """Return a service that does one thing, and the timer that starts it."""
    service = _SERVICE.format(
        title=_literal(title), user=_literal(user), environment=_environment(command), start=_start(command)
    )
    return [
        Unit(f"{name}.service", service),
        Unit(f"{name}.timer", _TIMER.format(title=_literal(title), calendar=calendar)),
    ]


def staying(name: str, title: str, user: str, command: Command) -> Unit:
    """Return a service that starts with the machine and stays."""
    text = _STAYING.format(
        title=_literal(title), user=_literal(user), environment=_environment(command), start=_start(command)
    )
    return Unit(f"{name}.service", text)


def unit_name(parts: Iterable[str]) -> str:
    """Make the name of a unit, without its kind: "ccops-monthly-grant-member-gold"."""
    plain = unicodedata.normalize("NFKD", "-".join(parts)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_NAME].strip("-")


def _start(command: Command) -> str:
    program, *others = command.words
    # A dollar is left alone in the program's own name.
    return " ".join([_quoted(program), *(_quoted(word).replace("$", "$$") for word in others)])


def _environment(command: Command) -> str:
    return "".join(f"Environment={_quoted(f'{name}={value}')}\n" for name, value in command.environment.items())


def _quoted(word: str) -> str:
    """Write a word as systemd reads it (systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting")."""
    if _PLAIN.fullmatch(word):
        return word
    escaped = _literal(word).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _literal(text: str) -> str:
    return text.replace("%", "%%")
