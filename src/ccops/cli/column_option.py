"""`--column`: what a column is of which the heading does not tell."""

from collections.abc import Sequence
from typing import Annotated

import typer

from ccops.errors import Misconfigured
from ccops.text import shorten, tidy

Column = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="HEADING=NAME", help="Take a column of another heading: 'Credits=set'."),
]


class BadColumn(Misconfigured):
    """`--column` names no column of ours, or one twice."""

    def __init__(self, word: str, why: str, example: str) -> None:
        self.mend = example
        super().__init__(f"--column {shorten(word)}: {why}. Nothing was sent.")


def mapping_of(words: Sequence[str], names: Sequence[str], example: str) -> dict[str, str]:
    """Return the headings that `--column` gives for our names. `example` is a command that does so.

    Raises BadColumn.
    """
    from ccops.registry.faults import nearest

    mapped: dict[str, str] = {}
    for word in words:
        heading, _, name = word.rpartition("=")
        name = tidy(name).lower()
        if not tidy(heading):
            shown = example.rpartition("'")[0].rpartition("'")[2]
            raise BadColumn(word, f"write the file's heading, =, and what it is, such as {shown}", example)
        if name not in names:
            guess = nearest(name, names)
            meant = f'; did you mean "{guess}"?' if guess else ""
            raise BadColumn(word, f"a column is one of {', '.join(names)}{meant}".rstrip("?"), example)
        if name in mapped:
            raise BadColumn(word, f"there is another column for {name} already", example)
        mapped[name] = tidy(heading)
    return mapped
