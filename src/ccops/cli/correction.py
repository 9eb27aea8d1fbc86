"""A command line with one word put right, to be copied."""

import shlex
from collections.abc import Sequence


def repeated(argv: Sequence[str]) -> str | None:
    """Return the command line as it was given; None if it must not be shown.

    The value of `--key` may be a credential by mistake, which is to reach neither a screen nor a log.
    """
    if any(word == "--key" or word.startswith("--key=") for word in argv):
        return None
    return "ccops " + shlex.join(argv)


def without(argv: Sequence[str], word: str) -> str | None:
    """Return the command line without one word; None if that is not in it, or it must not be shown."""
    return repeated([each for each in argv if each != word]) if word in argv else None


def corrected(argv: Sequence[str], wrong: str, right: str) -> str | None:
    """Return the command line with one word put right; None if that word is not in it, or it must not be shown."""
    if wrong not in argv:
        return None
    place = list(argv).index(wrong)
    return repeated([*argv[:place], right, *argv[place + 1 :]])
