"""Why a request is turned away: each kind knows its HTTP status and writes its own sentence for whoever sent it."""

from http import HTTPStatus
from shlex import quote

from ccops.errors import CcopsError
from ccops.text import clean, shorten


class TurnedAway(CcopsError):  # noqa: N818 - reads as a state, like its siblings
    """Base of all: nothing was accepted."""

    status: HTTPStatus


def _which_counts(operation: str, place: str) -> str:
    """Say how a person makes one place the contact's."""
    return f"Say which counts, such as: ccops op edit {operation} --post-contact {quote(clean(place))}"


class NoSuchPlace(TurnedAway):
    """Nothing is served under this path."""

    status = HTTPStatus.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("nothing is here; the addresses to use are shown by: ccops webhook show OPERATION")


class WrongMethod(TurnedAway):
    """The path is served, but not for this method."""

    status = HTTPStatus.METHOD_NOT_ALLOWED

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"this address takes {allowed} only")


class OperationUnknown(TurnedAway):
    """No operation of the registry has this name."""

    status = HTTPStatus.NOT_FOUND

    def __init__(self, name: str) -> None:
        super().__init__(f"no operation is called {shorten(name, 64)}")


class NothingThere(TurnedAway):
    """There is no such entry or event, or it belongs to an operation that the secret does not open."""

    status = HTTPStatus.NOT_FOUND

    def __init__(self) -> None:
        super().__init__("there is no such entry of an operation that this secret belongs to")


class SecretWrong(TurnedAway):
    """The secret is missing or wrong."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self) -> None:
        super().__init__(
            "the secret is missing or wrong; send it as Authorization: Bearer …, as X-Ccops-Key, or as ?key=… "
            "(ccops webhook show OPERATION shows it)"
        )


class SignatureWrong(TurnedAway):
    """A delivery of Kit is not signed, wrongly signed, or too old; nothing of it was read."""

    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, what: str) -> None:
        super().__init__(f"X-Kit-Signature: {what}")


class TooLarge(TurnedAway):
    """The body is longer than any event."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def __init__(self, most: int) -> None:
        super().__init__(f"the body has more than {most} bytes")


class BodyUnreadable(TurnedAway):
    """The body is not what it says it is."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, what: str) -> None:
        super().__init__(f"the body can't be read: {clean(what)}")


class PostWithoutContact(TurnedAway):
    """The body names no contact."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, places: str, address_place: str | None = None, operation: str = "") -> None:
        found = ""
        if address_place is not None:
            found = f". {clean(address_place)} has an e-mail address. {_which_counts(operation, address_place)}"
        super().__init__(f"there is no contact in the body; it is looked for in {clean(places)}{found}")


class ContactUnusable(TurnedAway):
    """What stands in the contact's place can't be a contact."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, place: str, text: str) -> None:
        super().__init__(f"{clean(place)} is {shorten(text)}, neither an e-mail address nor an id of Kit")


class ContactsDisagree(TurnedAway):
    """Two places name different contacts."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, one: str, other: str, operation: str) -> None:
        where = f"{one} is given twice" if one == other else f"{one} and {other} are both given"
        super().__init__(f"which contact is meant? {clean(where)}, and they differ. {_which_counts(operation, one)}")


class IdBesideAddress(TurnedAway):
    """There is an id, and an address in a place that is not known to be the contact's: one of them is another's."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, id_place: str, address_place: str, operation: str) -> None:
        super().__init__(
            f"which contact is meant? {clean(id_place)} has an id, and {clean(address_place)} has an e-mail address. "
            f"{_which_counts(operation, address_place)}"
        )


class IdOfAnother(TurnedAway):
    """The id belongs to a contact with another address."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, id_place: str, address_place: str, operation: str) -> None:
        super().__init__(
            f"which contact is meant? the contact with the id in {clean(id_place)} does not have the e-mail address in "
            f"{clean(address_place)}. {_which_counts(operation, address_place)}"
        )


class PlaceholderLeft(TurnedAway):
    """A merge field was not replaced with a value."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, place: str, text: str) -> None:
        super().__init__(
            f"{clean(place)} is {shorten(text)}, a placeholder that was not replaced with a value. "
            "Choose the field again in the system that sends this"
        )


class PostAmountUnusable(TurnedAway):
    """The amount is no number above 0."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, text: str) -> None:
        super().__init__(f"amount is {shorten(text)}; it has to be a plain number above 0, such as 10 or 2.50")


class PostAmountMissing(TurnedAway):
    """The amount is empty, though the operation takes one."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self) -> None:
        super().__init__("amount is empty; send a number above 0, or leave amount out for the operation's own")


class AmountAmbiguous(TurnedAway):
    """The amount can be read in two ways."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, text: str, operation: str) -> None:
        super().__init__(
            f"amount is {shorten(text)}, which can mean two numbers. Send a plain number, such as 10 or 2.50, or say "
            f'which sign comes before decimals: ccops op edit {operation} --post-decimal "." (or ",")'
        )


class OccasionMissing(TurnedAway):
    """The registry says where the body names its occasion, and it does not."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, place: str) -> None:
        super().__init__(f"{clean(place)}, which names the occasion, is not in the body")


class KeyUnusable(TurnedAway):
    """The key of the occasion is too long, invisible, or the secret itself."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self) -> None:
        super().__init__("the key of the occasion has to be 1 to 200 visible characters, and not the secret")


class KeyTaken(TurnedAway):
    """The key was used before, with another contact or amount."""

    status = HTTPStatus.CONFLICT

    def __init__(self, what: str, place: str) -> None:
        self.place = place
        super().__init__(f"this key was used before with another {what}: {place}. Nothing was accepted")


class CantStore(TurnedAway):
    """The inbox can't be written to; the sender has to come again."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("this can't be stored at the moment, so it was not accepted; send it again later")
