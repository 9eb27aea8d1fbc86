"""What requests are let in with: a credential that stays what it is, or one that is renewed under way."""

from collections.abc import Sequence
from typing import Protocol

from ccops.crm.kit.credential import header, mask
from ccops.secret import Secret


class Access(Protocol):
    """The credential of a client; may be asked by many threads at once."""

    @property
    def oauth(self) -> bool:
        """Whether it is an access token and no key."""
        ...

    def present(self, *, hasty: bool) -> Secret:
        """Return what the next request is to carry; `hasty` if it should not wait for what could be put off.

        Raises CredentialRefused, or a ServiceUnreachable that is a NotSent.
        """
        ...

    def another(self, refused: Secret, texts: Sequence[str]) -> bool:
        """Say whether there is something else to carry than what was just refused (401) with these texts.

        Raises what `present` raises.
        """
        ...

    def hide(self, text: str) -> str:
        """Hide the credential in a text from outside."""
        ...


class Fixed:
    """A key, or an access token that nobody renews. Raises KeyMalformed when made with what can be neither."""

    def __init__(self, secret: Secret, *, oauth: bool) -> None:
        header(secret, oauth=oauth)
        self._secret = secret
        self.oauth = oauth

    def present(self, *, hasty: bool) -> Secret:  # noqa: ARG002 - it never takes time
        """Return the credential."""
        return self._secret

    def another(self, refused: Secret, texts: Sequence[str]) -> bool:  # noqa: ARG002 - there is never another
        """Say no."""
        return False

    def hide(self, text: str) -> str:
        """Hide the credential in a text from outside."""
        return mask(text, self._secret)
