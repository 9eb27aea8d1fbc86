"""The rows that need somebody, as they stood in the file, so that they can be given back as they are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ccops.cli.failures import Failures
from ccops.cli.importing.columns import REASON
from ccops.cli.importing.rows import InRows, Row
from ccops.text import tidy

if TYPE_CHECKING:
    from ccops.engine.request import Outcome
    from ccops.files import Draft


class FailedRows(Failures):
    """Takes rows down with all their cells, and why they were not applied.

    The cells stay as they are, even where a spreadsheet would take one for a formula: a row whose key came back changed
    would count twice.
    """

    def __init__(self, draft: "Draft", *, refused_ok: bool, rows: InRows) -> None:
        heading = rows.heading
        self._kept = [place for place, head in enumerate(heading) if tidy(head) != REASON]
        self.columns = (*(heading[place] for place in self._kept), REASON)
        if rows.declares:
            draft.write(f"sep={rows.delimiter}\r\n")
        super().__init__(draft, refused_ok=refused_ok, delimiter=rows.delimiter)

    def row(self, outcome: "Outcome") -> Sequence[object]:
        """Return the row of an outcome, and the reason."""
        row = outcome.ref
        assert isinstance(row, Row)  # noqa: S101 - every request of an import has its row
        cells = [row.cells[place] if place < len(row.cells) else "" for place in self._kept]
        return (*cells, f"{outcome.status}: {outcome.reason}" if outcome.reason else outcome.status)
