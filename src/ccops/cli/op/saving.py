"""Putting operations into the registry, with mistakes told in terms of the command line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ccops.cli.keys import check_unsaid
from ccops.cli.op.keys import Edit, Table
from ccops.errors import Misconfigured
from ccops.registry.faults import Fault, RegistryFaults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccops.cli.session import Session
    from ccops.operations.model import Operation
    from ccops.registry.render import TomlValue


class RulesDontHold(Misconfigured):
    """What was asked for makes no operation that can work."""

    def __init__(self, operation: str, faults: Sequence[Fault], path: str) -> None:
        self.mend = f"{path} --help"
        texts = [fault.text for fault in faults]
        lead = f"{operation} can't be like this. Nothing was changed."
        super().__init__("\n".join([lead, *texts]))


def table_of(session: "Session", name: str) -> Table:
    """Return an operation as the file has it. Raises NoSuchOperation and RegistryFaults."""
    from ccops.registry.document import parse_toml
    from ccops.registry.load import read

    session.operation(name)
    table: Table = parse_toml(read(session.home.registry)).data["operations"][name]
    return table


def add(session: "Session", name: str, keys: "Mapping[str, TomlValue]") -> "Operation":
    """Add an operation. Raises RulesDontHold, OperationExists, TellsCredential and what reading the registry raises."""
    from ccops.registry.edit import add_operation

    check_texts(session, name, keys)
    with _in_their_words(session, name, "ccops op add"):
        return add_operation(session.home.registry, name, keys).operations[name]


def edit(session: "Session", name: str, change: Edit) -> "Operation":
    """Change an operation. Raises RulesDontHold, TellsCredential and what reading the registry raises."""
    from ccops.registry.edit import edit_operation

    check_texts(session, name, change.put)
    with _in_their_words(session, name, "ccops op edit"):
        return edit_operation(session.home.registry, name, change.put, change.drop).operations[name]


def check_texts(session: "Session", name: str, keys: "Mapping[str, TomlValue]") -> None:
    """Refuse a name or a rule with the credential in it: both are shown and stored. Raises TellsCredential."""
    check_unsaid(session, name, "the operation's name")
    check_unsaid(session, repr(dict(keys)), "the operation")


@contextmanager
def _in_their_words(session: "Session", name: str, path: str) -> Iterator[None]:
    """Tell faults without lines of a text that was never saved; those of the file as it is are told as they are."""
    _ = session.registry
    try:
        yield
    except RegistryFaults as wrong:
        raise RulesDontHold(name, wrong.faults, path) from None
