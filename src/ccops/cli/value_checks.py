"""What a person says about an occasion, checked before anyone sees it or it is stored."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ccops.cli.errors import repeated
from ccops.errors import Misconfigured
from ccops.operations.numbers import EXACT, plain

if TYPE_CHECKING:
    from ccops.cli.context import Session


class KeyIsCredential(Misconfigured):
    """What was given as the occasion's key is, or holds, the credential; it is not shown."""

    def __init__(self) -> None:
        super().__init__(
            "--key names the occasion, such as an invoice number; what you gave is your API key. Nothing was sent or "
            "stored. It may stand in your shell's history now: take it out there, or make a new key in Kit."
        )


class TellsCredential(Misconfigured):
    """A text that would be stored holds the credential; it is not shown."""

    def __init__(self, option: str) -> None:
        super().__init__(
            f"{option} holds your API key. Nothing was sent or stored. It may stand in your shell's history now: take "
            "it out there, or make a new key in Kit."
        )


def check_key(session: "Session", key: str | None) -> None:
    """Refuse a key that is the credential: it would end up in the ledger. Raises KeyIsCredential."""
    if holds_credential(session, key):
        raise KeyIsCredential


def check_unsaid(session: "Session", text: str | None, option: str) -> None:
    """Refuse a text with the credential in it: it would end up in the ledger. Raises TellsCredential."""
    if holds_credential(session, text):
        raise TellsCredential(option)


def amount_text(amount: Decimal) -> str:
    """Write an amount in the one form that tells occasions apart: 10 and 10.0 are the same."""
    return plain(amount.normalize(EXACT))


def holds_credential(session: "Session", text: str | None) -> bool:
    """Tell whether the credential is in a text."""
    if not text:
        return False
    credential = session.credential
    return credential is not None and any(secret in text for secret in credential.secrets)


# ---- amounts below 0, which are asked for by the opposite option

_OPPOSITES: Final = {"--increase": "--decrease", "--decrease": "--increase", "--add": "--take", "--take": "--add"}


class BelowZero(Misconfigured):
    """An option was given an amount below 0, which means the opposite."""

    def __init__(self, option: str, amount: Decimal, argv: Sequence[str]) -> None:
        self.mend = turned(argv, option) or f"{_OPPOSITES[option]} {plain(-amount)}"
        super().__init__(
            f"{option} {plain(amount)} can't be: give a number above 0. Nothing was changed. To do the opposite:"
        )


def demand_signs(argv: Sequence[str], given: Mapping[str, Decimal | None]) -> None:
    """Demand of options that have an opposite that no amount is below 0. Raises BelowZero."""
    for option, amount in given.items():
        if amount is not None and amount < 0:
            raise BelowZero(option, amount, argv)


def turned(argv: Sequence[str], option: str) -> str | None:
    """Return the command line with the opposite option and no minus; None if it has no such words.

    The same if it must not be shown.
    """
    words = list(argv)
    for place, word in enumerate(words):
        if word == option and words[place + 1 : place + 2]:
            value, after = words[place + 1], place + 2
        elif word.startswith(f"{option}="):
            value, after = word.partition("=")[2], place + 1
        else:
            continue
        return repeated([*words[:place], _OPPOSITES[option], value.strip().removeprefix("-"), *words[after:]])
    return None


# ---- numbers that may have been meant with a point between thousands, as in 1.000, which counts as 1

_GROUPED: Final = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")


def looks_grouped(number: Decimal) -> bool:
    """Tell whether a number was written as thousands are in many countries: 1.000."""
    return _GROUPED.fullmatch(str(number)) is not None


def tell_of_thousands(session: "Session", given: Mapping[str, Decimal | None]) -> None:
    """Say of numbers by their options as what they count, if they may have been meant as thousands."""
    for option, number in given.items():
        if number is not None and looks_grouped(number):
            session.console.advise(f"{option} {counts_as(number)}")


def counts_as(number: Decimal) -> str:
    """Say as what a number counts that may have been meant as thousands."""
    meant = str(number).replace(".", "")
    counts = f"{number} counts as {amount_text(number)}, not as {meant}, since decimals follow a point."
    return f"{counts} If {meant} was meant, write it so."
