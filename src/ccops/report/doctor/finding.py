"""What a check found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ccops.errors import CcopsError, as_onlooker
from ccops.registry.faults import FileFaults


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's: what was looked at, whether it is in order, and the command that mends it."""

    area: str
    ok: bool
    text: str
    mend: str = ""


def well(area: str, text: str) -> Finding:
    """Make a finding of something in order."""
    return Finding(area, ok=True, text=text)


def wrong(area: str, text: str, mend: str) -> Finding:
    """Make a finding of something that needs a person."""
    return Finding(area, ok=False, text=text, mend=mend)


def told(area: str, error: CcopsError) -> list[Finding]:
    """Make findings of an error: one each of the faults of a file, else one."""
    if isinstance(error, FileFaults):
        return [wrong(area, fault.said(error.file), f"correct {error.place}") for fault in error.faults]
    return [wrong(area, as_onlooker(error), error.mend)]


def guarded(area: str, findings: Iterable[Finding], but: tuple[type[CcopsError], ...] = ()) -> Iterator[Finding]:
    """Give findings; an error on the way becomes one more, unless it is of a kind that ends other checks too."""
    try:
        yield from findings
    except but:
        raise
    except CcopsError as error:
        yield from told(area, error)
