"""The file that the page goes to: replaced as a whole or not at all, for its owner's eyes only."""

from pathlib import Path

from ccops.errors import Misconfigured
from ccops.registry.home import told, write_private
from ccops.report.html.page import MARK
from ccops.text import clean


class NotAReport(Misconfigured):
    """The file is there, and it is no report of ours."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mend = "Choose another name, or replace the file with --yes."
        super().__init__(f"{clean(str(path))} is there already, and is no report of ccops. Nothing was written.")


def check_free(path: Path) -> None:
    """Demand that nothing is there but a report that may be replaced. Raises NotAReport and FileUnusable."""
    if path.is_dir() or (path.exists() and not _is_report(path)):
        raise NotAReport(path)


def write(path: Path, page: str) -> int:
    """Put the page in its place; return how many bytes it has. Raises FileUnusable."""
    write_private(path, page)
    return len(page.encode())


def _is_report(path: Path) -> bool:
    with told(path), path.open("rb") as file:
        return MARK.encode() in file.read(100)
