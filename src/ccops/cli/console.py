"""The two outputs, made in one place: answers on stdout, everything else on stderr."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import TextIOWrapper
from typing import Final, TextIO

from ccops.cli.columns import Column, Row, layout
from ccops.cli.styles import Line, Part, Styled, cleaned, fold, painted, text_of, width_of

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

    def line(self, *parts: Part) -> None:
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
        self._in_sandbox = in_sandbox
        self._answered = False

    def say(self, *parts: Part, urgent: bool = False) -> None:
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

    def heading(self, text: str, *left: Part) -> None:
        """Print a line above a table: what it is about, and at the right what holds for all of it."""
        parts: Line = (*self._mark(), *left)
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

    def table(self, columns: Sequence[Column], rows: Sequence[Row], *, urgent: bool = False) -> None:
        """Print rows: aligned under titles on a terminal, tab-separated in a pipe."""
        if rows and (urgent or not self.quiet):
            if mark := self._mark():
                self.out.line(mark[0])
            for line in layout(columns, rows, self.out.width if self.out.is_terminal else None):
                self.out.line(*line)

    def json_line(self, row: Mapping[str, object]) -> None:
        """Print one object of JSON Lines; in ASCII, so that no terminal and no encoding trips over it."""
        self.out.raw(json.dumps(row) + "\n")

    def note(self, *parts: Part) -> None:
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

    def warn(self, *parts: Part) -> None:
        """Print what a person has to know, even with `--quiet`; wrapped on a terminal."""
        label: Part = Styled(_WARNING, "doubt")
        for line in self.err.fit("".join(text_of(cleaned(part)) for part in parts), taken=len(_WARNING)):
            self.err.line(label, line)
            label = " " * len(_WARNING)

    def _mark(self) -> Line:
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
