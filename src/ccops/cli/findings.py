"""Findings as lines for people and as objects for programs."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from ccops.cli.styles import Line, Styled

if TYPE_CHECKING:
    from ccops.cli.console import Console
    from ccops.report.doctor.finding import Finding

_AREA: Final = 8
_INDENT: Final = " " * (_AREA + 3)


def print_findings(console: "Console", findings: "Iterable[Finding]") -> None:
    """Print a line for each finding, and beneath it what mends it."""
    console.mark()
    for finding in findings:
        mark = Styled("✓", "good") if finding.ok else Styled("✗", "bad")
        head: Line = (mark, f" {finding.area:<{_AREA}} ")
        for text in finding.text.splitlines():
            for line in console.out.fit(text, taken=len(_INDENT)):
                console.say(*head, line, urgent=not finding.ok)
                head = (_INDENT,)
        for line in finding.mend.splitlines():
            console.say(_INDENT, Styled(line, "bold"), urgent=not finding.ok)


def finding_object(finding: "Finding") -> Mapping[str, object]:
    """Return the object that `--json` prints for a finding."""
    return {"area": finding.area, "ok": finding.ok, "text": finding.text, "mend": finding.mend or None}
