"""What can be wrong with the files of the home folder, in words for the person who wrote them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ccops.errors import SET_UP, Misconfigured
from ccops.text import clean, folded, shorten, tidy


@dataclass(frozen=True, slots=True)
class FileFault:
    """One mistake in a file: its line (0: none can be told), the operation and key that it is in, and what is wrong."""

    line: int
    operation: str | None
    key: str | None
    text: str

    def said(self, file: str) -> str:
        """Write the fault as people see it: `operations.toml:14 monthly-grant: …`."""
        where = f"{file}:{self.line}" if self.line else file
        return f"{where} {clean(self.operation)}: {self.text}" if self.operation else f"{where}: {self.text}"


class FileFaults(Misconfigured):
    """A file was read and has mistakes; all of them are told, one a line."""

    def __init__(self, file: str | Path, faults: Sequence[FileFault]) -> None:
        self.file = file.name if isinstance(file, Path) else file
        self.place = clean(str(file))
        """The file with its folder, if that is known."""
        self.faults = tuple(sorted(faults, key=lambda fault: fault.line))
        self.mend = f"Correct {self.place} and give the same command again."
        super().__init__("\n".join(fault.said(self.file) for fault in self.faults))


class OperationsFileFaults(FileFaults):
    """The registry has mistakes."""


class ConfigFaults(FileFaults):
    """The settings have mistakes."""


class RegistryMissing(Misconfigured):
    """There is no registry."""

    mend = SET_UP

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"there is no registry at {clean(str(path))}.")


class HomeNoFolder(Misconfigured):
    """The place of the home is taken by something that is no folder."""

    mend = "Choose a folder with --home or CCOPS_HOME."

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{clean(str(path))} is to be the home, but is not a folder.")


class HomeMalformed(Misconfigured):
    """What was given as the home's place can't be a path."""

    mend = HomeNoFolder.mend

    def __init__(self, source: str, fault: str) -> None:
        super().__init__(f"{source} {fault}.")


class FileUnusable(Misconfigured):
    """A file of the home folder can't be read or written."""

    def __init__(self, path: Path, error: OSError) -> None:
        self.path = path
        self.mend = f"Look at the owner and mode of {clean(str(path))}, and at the room on its disk."
        super().__init__(f"{clean(str(path))} can't be used: {error.strerror or type(error).__name__}.")


class RegistryChanged(Misconfigured):
    """Somebody else changed the file between our reading and our writing; theirs was kept, ours not written."""

    mend = "Give the same command again."

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{clean(path.name)} was changed by somebody else meanwhile; nothing was written.")


class CantSplice(Misconfigured):
    """A table is written in a form that no command changes safely; the file was left as it is."""

    def __init__(self, file: str, line: int, table: str) -> None:
        self.file = file
        self.line = line
        self.mend = f"Write it as a table of its own, [{table}], with one key a line; then give the same command again."
        super().__init__(
            f"{file}:{line}: [{table}] is written in a form that no command can change safely; nothing was written."
        )


class UnknownOperation(Misconfigured):
    """The registry has no operation of that name."""

    mend = "ccops op list"

    def __init__(self, name: str, known: Collection[str]) -> None:
        self.name = name
        self.nearest = nearest(name, known)
        super().__init__(f"no operation is called {shorten(name, 64)}{did_you_mean(name, known)}")


class OperationExists(Misconfigured):
    """An operation of that name is there already."""

    def __init__(self, name: str, line: int) -> None:
        self.name = name
        self.mend = f"ccops op edit {name}"
        super().__init__(f"an operation is called {shorten(name, 64)} already (line {line} of the registry).")


def nearest(word: str, known: Collection[str]) -> str | None:
    """Return the known word that was probably meant; never one that looks the same."""
    by_case = {folded(name): name for name in known if tidy(name) != tidy(word)}
    found = get_close_matches(folded(word), by_case, n=1)
    return by_case[found[0]] if found else None


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return the end of a sentence that names what was probably meant, or a full stop."""
    return suggest(nearest(word, known))


def suggest(guess: str | None) -> str:
    """Return the end of a sentence that names a guess, or a full stop."""
    return f'; did you mean "{guess}"?' if guess else "."
