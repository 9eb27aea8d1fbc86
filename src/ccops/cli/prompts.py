"""Questions to the person at the terminal; elsewhere the option that answers them is asked for instead."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO, TypeVar

from ccops.cli.output import Console, Styled
from ccops.errors import CcopsError, Misconfigured

AnswerT = TypeVar("AnswerT")


class NobodyToAsk(Misconfigured):
    """A question came up where nobody can answer it."""

    def __init__(self, question: str, option: str) -> None:
        self.question = question
        super().__init__(f'nobody is here to answer "{question}" Nothing was done. Give {option}.')


class Prompts:
    """Asks on stderr and reads stdin, if both are a terminal's."""

    def __init__(self, console: Console, stdin: TextIO | None) -> None:
        self._console = console
        self._stdin = stdin

    @property
    def possible(self) -> bool:
        """Whether a person is at the terminal."""
        return self._stdin is not None and self._stdin.isatty() and self._console.err.is_terminal

    def confirm(self, question: str, *, option: str = "--yes", default: bool = False) -> bool:
        """Ask for yes or no; an empty answer means `default`."""
        hint = "[Y/n]" if default else "[y/N]"
        while True:
            answer = self._line(f"{question} {hint} ", question, option).lower()
            if not answer or answer in {"y", "yes", "n", "no"}:
                return default if not answer else answer.startswith("y")
            self._console.err.line('Please answer "y" or "n".')

    def ask(
        self, question: str, check: Callable[[str], AnswerT], *, option: str, default: str | None = None
    ) -> AnswerT:
        """Ask until `check` accepts the answer; it raises a CcopsError that says what is wrong with it."""
        prompt = f"{question.rstrip(':')} [{default}]: " if default else f"{question} "
        while True:
            answer = self._line(prompt, question, option)
            try:
                return check(answer or default or "")
            except CcopsError as error:
                for line in self._console.err.fit(_said(error)):
                    self._console.err.line(line)

    def secret(self, question: str, *, option: str) -> str:
        """Ask for what no one may read on the screen."""
        with _unseen(self._stdin):
            answer = self._line(f"{question} ", question, option)
            self._console.err.line()  # the line end that the terminal did not show
        return answer

    def choose(
        self, question: str, choices: Sequence[tuple[str, str]], *, option: str, default: str | None = None
    ) -> str:
        """Let one of `(answer, what it means)` be chosen, by number or by name."""
        if not self.possible:
            raise NobodyToAsk(question, option)
        self._console.err.line(Styled(question, "bold"))
        width = max(len(answer) for answer, _ in choices)
        for number, (answer, meaning) in enumerate(choices, 1):
            self._console.err.line(f"  {number:>2}  {answer:<{width}}  {meaning}".rstrip())
        known = {str(number): answer for number, (answer, _) in enumerate(choices, 1)}
        known |= {answer: answer for answer, _ in choices}

        def check(answer: str) -> str:
            if answer not in known:
                raise NoSuchChoice(len(choices))
            return known[answer]

        return self.ask("Number or word:", check, option=option, default=default)

    def _line(self, prompt: str, question: str, option: str) -> str:
        if self._stdin is None or not self.possible:
            raise NobodyToAsk(question, option)
        self._console.err.prompt(prompt)
        line = self._stdin.readline()
        if not line:  # Ctrl-D: no answer will come
            raise KeyboardInterrupt
        return line.strip()


@contextmanager
def _unseen(stdin: TextIO | None) -> Iterator[None]:
    """Let a terminal not show what is typed; what was typed ahead stays an answer."""
    import termios

    try:
        descriptor = -1 if stdin is None else stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (OSError, ValueError, termios.error):  # no terminal: then nothing is shown, and nothing asked
        yield
        return
    flags = 3
    hidden = [*before]
    hidden[flags] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, hidden)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _said(error: CcopsError) -> str:
    """Put an error and what mends it into sentences."""
    mend = error.mend if error.mend.startswith("ccops ") else error.mend[:1].upper() + error.mend[1:]
    return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in (str(error), mend) if part)


class NoSuchChoice(Misconfigured):
    """An answer that is not among those offered."""

    def __init__(self, count: int) -> None:
        super().__init__(f"Please give a number from 1 to {count}, or the word beside it.")
