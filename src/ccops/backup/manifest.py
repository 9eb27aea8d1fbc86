"""The list that a backup begins with: what it is a copy of, when it was made, and what its files must be."""

from datetime import datetime
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field

from ccops.clock import iso, parse_iso

NAME: Final = "manifest.json"
FORMAT: Final = 1
MOST_OCTETS: Final = 1024 * 1024
"""Of a manifest that is read at all."""


class Packed(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(strict=True, frozen=True)

    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class OfAccount(BaseModel):
    """Whose home it is."""

    model_config = ConfigDict(strict=True, frozen=True)

    id: int
    name: str


class Manifest(BaseModel):
    """What a backup says of itself; keys that a later ccops adds are passed over."""

    model_config = ConfigDict(strict=True, frozen=True)

    format: int
    ccops: str
    """The version that made it."""
    schema_version: int
    """Of the ledger."""
    ledger: str
    """The id that the ledger's receipts carry."""
    account: OfAccount
    made: str
    entries: int
    highest: int
    """The number of the newest entry; 0 if there is none."""
    secrets: bool
    """Whether the keys are in it."""
    files: dict[str, Packed]

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return parse_iso(self.made)

    @property
    def of(self) -> tuple[int, str]:
        """The account's id and name."""
        return self.account.id, self.account.name

    def text(self) -> str:
        """Write it, for the file and for people who open that."""
        return self.model_dump_json(indent=2) + "\n"

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Read it. Raises ValueError."""
        found = cls.model_validate_json(text)
        parse_iso(found.made)
        return found


def moment(at: datetime) -> str:
    """Write when a backup is made."""
    return iso(at)
