"""A credential that can't be printed by accident."""

import hmac


class Secret:
    """Holds a credential; only `reveal()` shows it, so no repr, log line, error or traceback ever does."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the credential itself, to be put into a request header or a file of mode 0600."""
        return self._value

    def equals(self, text: str) -> bool:
        """Compare with a text in constant time."""
        return hmac.compare_digest(self._value.encode(), text.encode())

    def __repr__(self) -> str:
        return "Secret(***)"
