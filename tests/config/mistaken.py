"""Registries with mistakes, and what is said about them."""

from ccops.config.errors import OperationsFileFaults
from ccops.config.operations_file import parse


def faults(text: str) -> list[str]:
    """Return what is said about a text, a line each, without the file's name."""
    try:
        parse(text)
    except OperationsFileFaults as error:
        return [line.removeprefix("operations.toml:") for line in str(error).splitlines()]
    return []


def operation(*lines: str, top: str = "") -> str:
    """Write a registry with one operation; its header stands in line 2, or right behind `top`."""
    return "\n".join(['timezone = "America/New_York"', *top.splitlines(), "[operations.gold]", *lines]) + "\n"


def change(*lines: str, top: str = "") -> str:
    """Write a registry with one operation on credits; `lines` begin in line 4."""
    return operation('field = "credits"', *lines, top=top)


LIMITED = "[fields.credits]\nminimum = 0\nmaximum = 100"
