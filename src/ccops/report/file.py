"""The file that the page goes to: replaced as a whole or not at all, for its owner's eyes only."""

from pathlib import Path

from ccops.config.home import told
from ccops.errors import Misconfigured
from ccops.files import target_of, written
from ccops.report.page import MARK
from ccops.text import clean


class NotAReport(Misconfigured):
    """The file is there, and it is no report of ours."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mend = "Choose another name, or replace the file with --yes."
        super().__init__(f"{clean(str(path))} is there already, and is no report of ccops. Nothing was written.")


def check_free(path: Path) -> None:
    """Demand that no file is there but a report that may be replaced. Raises NotAReport and FileUnusable."""
    if path.is_dir():
        raise NotAReport(path)
    with told(path):
        file = target_of(path).file
    if file is not None and file.exists() and not _is_report(file):
        raise NotAReport(path)


def write(path: Path, page: str) -> int:
    """Put the page in its place; return how many bytes it has. Raises FileUnusable."""
    with told(path), written(path) as draft:
        draft.write(page)
    return len(page.encode())


def is_stdout(path: Path) -> bool:
    """Tell whether the page goes where answers go. Raises FileUnusable."""
    with told(path):
        return target_of(path).is_stdout


def _is_report(path: Path) -> bool:
    with told(path), path.open("rb") as file:
        return MARK.encode() in file.read(100)
