"""The two outputs, made in one place: answers on stdout, everything else on stderr."""

import json
import os
import re
import shutil
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import TextIOWrapper
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, Literal, TextIO

from ccops.clock import Clock
from ccops.text import clean

if TYPE_CHECKING:
    from rich.progress import Progress

Style = Literal["bold", "dim", "good", "bad", "doubt"]

_COMMAND: Final = re.compile(r"(?<=: )ccops \S.*[^.]$")
"""A command to copy, at the end of a sentence that leads to it."""
_CODES: Final[dict[Style, str]] = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "doubt": "33"}


@dataclass(frozen=True, slots=True)
class Styled:
    """A text that stands out where colours are shown, and is plain everywhere else."""

    text: str
    style: Style


StyledPart = str | Styled
StyledLine = tuple[StyledPart, ...]


def text_of(part: StyledPart) -> str:
    """Return the text of a piece."""
    return part.text if isinstance(part, Styled) else part


def like(part: StyledPart, text: str) -> StyledPart:
    """Return another text in the style of a piece."""
    return Styled(text, part.style) if isinstance(part, Styled) else text


def cleaned(part: StyledPart, keep: str | None = None) -> StyledPart:
    """Return a piece that can't do anything to a terminal; the control character `keep` stays."""
    text = text_of(part)
    return like(part, keep.join(map(clean, text.split(keep))) if keep else clean(text))


def painted(part: StyledPart) -> str:
    """Return the text of a piece between the terminal's codes for its style."""
    text = text_of(part)
    return f"\x1b[{_CODES[part.style]}m{text}\x1b[0m" if isinstance(part, Styled) and text else text


def width_of(text: str) -> int:
    """Count the terminal cells of a text: a Chinese or Japanese character takes two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fold(text: str, width: int) -> list[str]:
    """Break a text between words for `width` cells; a longer word (an address, an id) stays whole.

    So does a command that ends the text, on a line of its own if need be: broken, it could not be copied.
    """
    command = _COMMAND.search(text)
    words = text.split(" ") if command is None else [*text[: command.start() - 1].split(" "), command[0]]
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and width_of(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


# ---- rows in columns: aligned and wrapped for a terminal, tab-separated and whole for a pipe

_GAP: Final = "  "
_BENEATH: Final = "    "
_ROOM_TO_WRAP: Final = 24
"""Cells below which a wrapping column is unreadable beside the others and goes beneath them."""

_TALLEST: Final = 3
"""Lines of a wrapped cell above which it is easier to read beneath the others."""

_FEW: Final = 3
"""One in so many rows may stick out of its columns before another column has to go beneath the others."""

Cells = Sequence[StyledPart]


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: its title, whether its text may wrap (else it stays whole), and whether it stands right."""

    title: str
    wraps: bool = False
    right: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """What stands under a row on a terminal: a text from a column on, and one in the last column if there is room."""

    column: int
    text: StyledPart
    last: StyledPart = ""


def layout(
    columns: Sequence[TableColumn], rows: Sequence[Cells], width: int | None, remarks: Sequence[Remark] = ()
) -> Iterator[StyledLine]:
    """Lay rows out in `width` cells under a line of titles; for a pipe (None) as bare tab-separated lines.

    At most one column may wrap. Nothing is cut: a cell that nothing else makes room for is followed by a new line, and
    only where even that does not help, lines are longer than `width`.
    `remarks` are one for each row, or none at all; a pipe does not get them.
    """
    tidy = [[cleaned(part) for part in row] for row in rows]
    if width is None:
        return (("\t".join(map(text_of, row)),) for row in tidy)
    return _aligned(columns, tidy, width, remarks) if tidy else iter(())


def _aligned(
    columns: Sequence[TableColumn], rows: Sequence[Cells], width: int, remarks: Sequence[Remark]
) -> Iterator[StyledLine]:
    widths, beneath = _measure(columns, rows, width)
    shown = [place for place in range(len(columns)) if place != beneath]
    sides = [(widths[place], columns[place].right) for place in shown]
    titles = _padded(sides, [columns[place].title for place in shown])
    yield (Styled("".join(map(text_of, titles)), "bold"),)
    for row, remark in zip_longest(rows, remarks):
        cells = [_pieces(row[place], widths[place] if columns[place].wraps else None) for place in shown]
        below = [row[beneath]] if beneath is not None and text_of(row[beneath]) else []
        for place, pieces in enumerate(cells):
            if len(pieces) > _TALLEST:
                below.append(row[shown[place]])
                cells[place] = [""]
        yield from _lines(sides, cells, width)
        for part in below:
            yield from ((_BENEATH, piece) for piece in _pieces(part, max(width - len(_BENEATH), _ROOM_TO_WRAP)))
        if remark is not None:
            yield from _remarked(remark, [side for side, _ in sides], width)


def _lines(sides: Sequence[tuple[int, bool]], cells: Sequence[list[StyledPart]], width: int) -> Iterator[StyledLine]:
    """Lay a row out; after a cell that is wider than its column, the others go on below, each in its own column."""
    empty: list[list[StyledPart]] = [[] for _ in cells]
    line, start = list(empty), 0
    for place, (pieces, (room, _)) in enumerate(zip(cells, sides, strict=True)):
        taken = width_of(text_of(pieces[0])) if len(pieces) == 1 else 0
        if taken > room and start and start + taken > width:
            yield from _side_by_side(sides, line)
            yield (_BENEATH, *pieces)
            line = list(empty)
        else:
            line[place] = pieces
        if taken > room and any(line):
            yield from _side_by_side(sides, line)
            line = list(empty)
        start += room + len(_GAP)
    yield from _side_by_side(sides, line)


def _side_by_side(sides: Sequence[tuple[int, bool]], cells: Sequence[list[StyledPart]]) -> Iterator[StyledLine]:
    if any(text_of(piece) for pieces in cells for piece in pieces):
        yield from (_padded(sides, pieces) for pieces in zip_longest(*cells, fillvalue=""))


def _remarked(remark: Remark, widths: Sequence[int], width: int) -> Iterator[StyledLine]:
    """Put a remark under its row; its last part goes on a line of its own where the last column is taken."""
    indent, place = (sum(widths[:column]) + len(_GAP) * column for column in (remark.column, len(widths) - 1))
    text, last = cleaned(remark.text), cleaned(remark.last)
    pieces = _pieces(text, max(width - indent, _ROOM_TO_WRAP)) if text_of(text) else []
    fill = place - indent - sum(width_of(text_of(piece)) for piece in pieces)
    beside = len(pieces) <= 1 and fill >= min(len(pieces), 1) * len(_GAP) and place + width_of(text_of(last)) <= width
    if text_of(last) and beside:
        yield (" " * indent, *pieces, " " * fill, last)
        return
    yield from ((" " * indent, piece) for piece in [*pieces, *([last] if text_of(last) else [])])


def _measure(columns: Sequence[TableColumn], rows: Sequence[Cells], width: int) -> tuple[list[int], int | None]:
    """Return the columns' widths, and the one that has to go beneath the others for want of room."""
    cells = [[width_of(text_of(row[place])) for row in rows] for place in range(len(columns))]
    widths = [max(width_of(column.title), *taken) for column, taken in zip(columns, cells, strict=True)]
    wrapping = next((place for place, column in enumerate(columns) if column.wraps), None)
    if wrapping is None:
        return _narrowed(columns, cells, widths, width), None
    natural = widths[wrapping]
    needed = min(natural, _ROOM_TO_WRAP)
    widths[wrapping] = needed
    narrowed = _narrowed(columns, cells, widths, width)
    room = width - sum(narrowed) + needed - len(_GAP) * (len(columns) - 1)
    sticking_out = sum(_sticks_out(row, narrowed, wrapping) for row in zip(*cells, strict=True))
    widths[wrapping] = -len(_GAP)  # as if the column were not there
    alone = _narrowed(columns, cells, widths, width)
    if room >= needed and (alone != widths or sticking_out * _FEW <= len(rows)):
        narrowed[wrapping] = min(natural, room)
        return narrowed, None
    return alone, wrapping


def _sticks_out(row: Sequence[int], widths: Sequence[int], wrapping: int) -> bool:
    return any(taken > widths[place] for place, taken in enumerate(row) if place != wrapping)


def _narrowed(
    columns: Sequence[TableColumn], cells: Sequence[Sequence[int]], widths: Sequence[int], width: int
) -> list[int]:
    """Make columns narrower for `width`, down to a title: the few cells that stick out then take more lines."""
    narrowed = list(widths)
    while sum(narrowed) + len(_GAP) * (len(columns) - 1) > width:
        smaller = {
            place: max((each for each in (width_of(column.title), *taken) if each < narrowed[place]), default=0)
            for place, (column, taken) in enumerate(zip(columns, cells, strict=True))
            if not (column.wraps or column.right) and narrowed[place] > width_of(column.title)
        }
        if not smaller:
            break
        widest = max(smaller, key=narrowed.__getitem__)
        narrowed[widest] = smaller[widest]
    return narrowed


def _padded(sides: Sequence[tuple[int, bool]], cells: Sequence[StyledPart]) -> StyledLine:
    """Put cells of one line side by side, without blanks at its end."""
    last = max((place for place, cell in enumerate(cells) if text_of(cell)), default=0)
    parts: list[StyledPart] = []
    for place, ((width, right), cell) in enumerate(zip(sides, cells, strict=True)):
        if place <= last:
            fill = " " * (width - width_of(text_of(cell)))
            parts += [_GAP] if place else []
            parts += [fill, cell] if right else [cell, fill if place < last else ""]
    return tuple(parts)


def _pieces(part: StyledPart, width: int | None) -> list[StyledPart]:
    return [part] if width is None else [like(part, line) for line in fold(text_of(part), width)]


# ---- the two outputs, made in one place: answers on stdout, everything else on stderr

_WIDEST: Final = 120
_NARROWEST: Final = 40
_WITHOUT_TERMINAL: Final = 80
_WARNING: Final = "warning: "


class Output:
    """One stream and what it is. A reader that goes away (`| head`) stops no work that is under way."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.is_animated = self.is_terminal and environ.get("TERM") != "dumb"
        """Whether something on it may move."""
        self.coloured = self.is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        self.closed = False
        """Whether nobody reads any more; a command that only shows things may stop then."""
        self.failure = ""
        """Why the stream could not be written to (a full disk); empty if it could, or if its reader left."""
        self.above: Callable[[], AbstractContextManager[None]] = nullcontext
        """Makes room meanwhile for what is written, above what moves at the bottom of the terminal."""

    @property
    def width(self) -> int:
        """Cells to fill: the terminal's, at most 120; 80 if there is none."""
        if not self.is_terminal:
            return _WITHOUT_TERMINAL
        return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)

    def in_utf8(self) -> None:
        """Write UTF-8 from now on, whatever the machine's language: for what is kept as a file."""
        if isinstance(self.stream, TextIOWrapper):
            self.stream.reconfigure(encoding="utf-8")

    def fit(self, text: str, taken: int = 0) -> list[str]:
        """Break a text between words for what is left of a terminal's line; for a pipe it stays whole."""
        if not self.is_terminal:
            return [text]
        return fold(text, self.width - taken)

    def line(self, *parts: StyledPart) -> None:
        """Write one line; whatever a terminal would act on in its texts becomes visible codes, except tabs."""
        tidy = [cleaned(part, keep="\t") for part in parts]
        self.raw("".join(painted(part) if self.coloured else text_of(part) for part in tidy) + "\n")

    def prompt(self, text: str) -> None:
        """Write a question and stay on its line."""
        self.raw(text_of(cleaned(text)))

    def raw(self, text: str) -> None:
        """Write text as it is and pass it on at once."""
        if self.closed:
            return
        try:
            with self.above():
                self.stream.write(_writable(text, self.stream.encoding))
                self.stream.flush()
        except OSError as error:
            self.closed = True
            self.failure = "" if isinstance(error, BrokenPipeError) else str(error.strerror)
            _hush(self.stream)


class Console:
    """What every command prints through."""

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        environ: Mapping[str, str],
        in_sandbox: Callable[[], bool] = lambda: False,
    ) -> None:
        self.out = Output(stdout, environ)
        self.err = Output(stderr, environ)
        self.quiet = False
        """Set by `--quiet`: only what needs a person is printed."""
        self.spell: Callable[[str], str] = lambda command: command
        """Returns a proposed command so that it acts on the home of this one."""
        self._in_sandbox = in_sandbox
        self._answered = False

    def say(self, *parts: StyledPart, urgent: bool = False) -> None:
        """Print a line of the answer; `urgent` if it needs a person, so that `--quiet` does not leave it out."""
        if not urgent and self.quiet:
            return
        mark = self._mark()
        if mark and self.out.is_terminal:
            self.out.line(mark[0])  # beside the text, it would push that over the edge
            mark = ()
        self.out.line(*mark, *parts)

    def tell(self, text: str) -> None:
        """Print a sentence of the answer, wrapped on a terminal."""
        for line in self.out.fit(text):
            self.say(line)

    def heading(self, text: str, *left: StyledPart) -> None:
        """Print a line above a table: what it is about, and at the right what holds for all of it."""
        parts: StyledLine = (*self._mark(), *left)
        whole = "".join(text_of(cleaned(part)) for part in parts)
        room = self.out.width - width_of(whole)
        if room < len(text) + 2:
            for line in [parts] if room >= 0 else [(piece,) for piece in self.out.fit(whole)]:
                self.out.line(*line)
            parts, room = (), self.out.width
        self.out.line(*parts, Styled(text.rjust(room), "dim"))

    def mark(self) -> None:
        """Begin an answer of several lines, or of none: in a home for rehearsals, say so on a line above them."""
        if not self.quiet and (mark := self._mark()):
            self.out.line(mark[0])

    def table(self, columns: Sequence[TableColumn], rows: Sequence[Cells], *, urgent: bool = False) -> None:
        """Print rows: aligned under titles on a terminal, tab-separated in a pipe."""
        if rows and (urgent or not self.quiet):
            if mark := self._mark():
                self.out.line(mark[0])
            for line in layout(columns, rows, self.out.width if self.out.is_terminal else None):
                self.out.line(*line)

    def json_line(self, row: Mapping[str, object]) -> None:
        """Print one object of JSON Lines; in ASCII, so that no terminal and no encoding trips over it."""
        self.out.raw(json.dumps(row) + "\n")

    def note(self, *parts: StyledPart) -> None:
        """Print a remark beside the answer; `--quiet` leaves it out."""
        if not self.quiet:
            self.err.line(*parts)

    def advise(self, text: str, first: str = "") -> None:
        """Print a sentence beside the answer, wrapped on a terminal; `--quiet` leaves it out.

        `first` stands before it; further lines begin where the sentence does.
        """
        for line in self.err.fit(text, taken=width_of(first)):
            self.note(first, line)
            first = " " * width_of(first)

    def warn(self, *parts: StyledPart) -> None:
        """Print what a person has to know, even with `--quiet`; wrapped on a terminal."""
        label: StyledPart = Styled(_WARNING, "doubt")
        for line in self.err.fit("".join(text_of(cleaned(part)) for part in parts), taken=len(_WARNING)):
            self.err.line(label, line)
            label = " " * len(_WARNING)

    def _mark(self) -> StyledLine:
        first, self._answered = not self._answered, True
        return (Styled("[sandbox]", "doubt"), " ") if first and self._in_sandbox() else ()


def standard_console(environ: Mapping[str, str], in_sandbox: Callable[[], bool]) -> Console:
    """Return the console over this process's streams, also if it was started without them (`>&-`)."""
    return Console(sys.stdout or _nowhere(), sys.stderr or _nowhere(), environ, in_sandbox)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the process


def _writable(text: str, encoding: str | None) -> str:
    """Return the text with visible codes for what the stream's encoding lacks (an arrow in ASCII)."""
    name = encoding or "utf-8"
    return text.encode(name, "backslashreplace").decode(name)


def _hush(stream: TextIO) -> None:
    """Point a broken stream at nothing, so that Python's own flush at the end is quiet too."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


# ---- how fast a run goes and how long it will still take, from when contacts were done

_WINDOW: Final = timedelta(seconds=60)
"""What is longer ago says nothing of the present pace: contacts that were done before take no time at all."""
_MOST: Final = 512
_MINUTE, _HOUR = 60, 3600


@dataclass(slots=True)
class RunSpeed:
    """The pace of a run over `total` contacts; None: nobody knows how many there are."""

    total: int | None
    begun: datetime
    done: int = 0
    _recent: deque[tuple[datetime, int]] = field(default_factory=lambda: deque(maxlen=_MOST))

    def add(self, now: datetime) -> None:
        """Count a contact that was done now."""
        self.done += 1
        if not self._recent or now - self._recent[-1][0] >= _WINDOW / _MOST:
            self._recent.append((now, self.done))

    def a_second(self, now: datetime) -> float:
        """Return how many contacts a second were done of late; 0 if that can't be said yet."""
        since, before = next(((at, done) for at, done in self._recent if now - at <= _WINDOW), (now, self.done))
        if self.begun > now - _WINDOW:
            since, before = self.begun, 0
        seconds = (now - since).total_seconds()
        return (self.done - before) / seconds if seconds > 0 else 0.0

    def text(self, now: datetime) -> str:
        """Say how far it is: "352/412   2.0 a second   30 s left"."""
        rate = self.a_second(now)
        parts = [f"{self.done:,}" if self.total is None else f"{self.done:,}/{self.total:,}"]
        if rate > 0:
            parts.append(f"{rate:,.1f} a second")
            if self.total is not None and self.total > self.done:
                parts.append(f"{span(round((self.total - self.done) / rate))} left")
        return "   ".join(parts)


def span(seconds: int) -> str:
    """Write a number of seconds for people: "2 min 27 s", "1 h 5 min"."""
    minutes, rest = divmod(seconds, _MINUTE)
    if seconds >= _HOUR:
        hours, minutes = divmod(minutes, _MINUTE)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return " ".join([f"{minutes} min"] * bool(minutes) + [f"{rest} s"] * (bool(rest) or not minutes))


# ---- how far a run is: a bar on a terminal, a line a minute elsewhere

EACH: Final = timedelta(minutes=1)
_CELLS: Final = 40

ProgressStep = Callable[[], None]
"""Called for each contact that was done."""


@contextmanager
def shown_progress(console: Console, clock: Clock, about: str, total: int | None) -> Iterator[ProgressStep]:
    """Show in the body how far it is; the step is to be called for each contact."""
    pace = RunSpeed(total, clock.now())
    if console.quiet:
        yield lambda: None
    elif console.err.is_animated:
        with _bar(console, pace, clock) as step:
            yield step
    else:
        yield _progress_lines(console, pace, clock, about)


def _progress_lines(console: Console, pace: RunSpeed, clock: Clock, about: str) -> ProgressStep:
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
def _bar(console: Console, pace: RunSpeed, clock: Clock) -> Iterator[ProgressStep]:
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
