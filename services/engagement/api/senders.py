"""Keys as other systems are able to send them, who cannot always choose the header's form."""

import binascii
from base64 import b64decode

from engagement.api.guards import Connected, Needs
from engagement.errors import Unauthenticated

AS_IT_IS = frozenset({"bearer", "token", "apikey"})
MISSING = "send the key as `Authorization: Bearer eng_…`, or as the password of Basic authentication"


class Sender(Needs):
    """A guard like `Needs`, which also takes the key as a Basic password, whoever the user is said to be.

    `Token eng_…` and `ApiKey eng_…` are what some senders write in front of a key; `ApiKey user:eng_…` too.
    """

    also = " It may be the password of Basic authentication."

    def _text(self, connection: Connected) -> str:
        kind, _space, text = connection.headers.get("authorization", "").strip().partition(" ")
        if kind.lower() == "basic":
            return _password(text.strip())
        if kind.lower() not in AS_IT_IS or not text:
            raise Unauthenticated(MISSING)
        return text.strip().rpartition(":")[2]


def _password(credentials: str) -> str:
    """The password in the credentials of Basic authentication (RFC 7617)."""
    try:
        return b64decode(credentials, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Unauthenticated("the Basic credentials are not `user:key` in Base64") from None
