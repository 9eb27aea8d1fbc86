"""How far a run is: a bar on a terminal, a line a minute elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from ccops.cli.console import Console, Output
from ccops.cli.pace import Pace
from ccops.clock import Clock

if TYPE_CHECKING:
    from rich.progress import Progress

EACH: Final = timedelta(minutes=1)
_CELLS: Final = 40

Step = Callable[[], None]
"""Called for each contact that was done."""


@contextmanager
def shown_progress(console: Console, clock: Clock, about: str, total: int | None) -> Iterator[Step]:
    """Show in the body how far it is; the step is to be called for each contact."""
    pace = Pace(total, clock.now())
    if console.quiet:
        yield lambda: None
    elif console.err.is_animated:
        with _bar(console, pace, clock) as step:
            yield step
    else:
        yield _lines(console, pace, clock, about)


def _lines(console: Console, pace: Pace, clock: Clock, about: str) -> Step:
    told = pace.begun

    def step() -> None:
        nonlocal told
        now = clock.now()
        pace.add(now)
        if now - told >= EACH:
            told = now
            console.note(f"{about}: {pace.text(now)}")

    return step


@contextmanager
def _bar(console: Console, pace: Pace, clock: Clock) -> Iterator[Step]:
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, TextColumn

    screen = RichConsole(file=console.err.stream, force_terminal=True, no_color=not console.err.coloured)
    width = min(_CELLS, max(console.err.width - _CELLS, 0))
    columns = [BarColumn(width)] if pace.total and width else []
    bar = Progress(TextColumn(" "), *columns, TextColumn("{task.description}"), console=screen, transient=True)
    task = bar.add_task(pace.text(pace.begun), total=pace.total or None)
    shown: datetime = pace.begun

    def step() -> None:
        nonlocal shown
        now = clock.now()
        pace.add(now)
        if now - shown >= timedelta(seconds=0.2):
            shown = now
            bar.update(task, completed=pace.done, description=pace.text(now))

    with bar, _parted(console.out, bar), _parted(console.err, bar):
        yield step


@contextmanager
def _parted(output: Output, bar: "Progress") -> Iterator[None]:
    """Let lines that are printed meanwhile stand above the bar."""

    @contextmanager
    def above() -> Iterator[None]:
        bar.stop()
        try:
            yield
        finally:
            bar.start()

    before, output.above = output.above, above
    try:
        yield
    finally:
        output.above = before
