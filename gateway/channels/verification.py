"""The two ways an inbound proves where it comes from. An adapter inherits one and cannot switch it off."""

from __future__ import annotations

import re
from abc import abstractmethod

from werkzeug.wrappers import Request

from gateway.channels.base import Channel, Refused, Route, same
from gateway.settings import SettingsError


class PathSecretChannel(Channel):
    """For providers that sign nothing: a secret in the URL, the current one or the one being rotated out."""

    secret_in_path = True

    def require(self) -> None:
        """Raise SettingsError when there is no secret, or one that a URL cannot carry."""
        if not re.fullmatch(r"[A-Za-z0-9._~-]+", self.settings.secret):
            raise SettingsError(
                f"[channels.{self.name}] secret is missing, or has characters a URL cannot carry. "
                "Make one with `openssl rand -hex 16`."
            )

    def verify(self, request: Request, route: Route, secret: str) -> None:  # noqa: ARG002
        """Compare the path's secret in constant time; the request itself is not read."""
        if not same(secret, self.settings.secret, self.settings.secret_old):
            raise Refused("The secret in the path is missing or wrong.")


class SignedChannel(Channel):
    """For providers that sign each request over the public URL they were given."""

    secret_in_path = False

    def verify(self, request: Request, route: Route, secret: str) -> None:
        """Check the signature over the *configured* URL and the query as received, never over a Host header."""
        query = request.query_string.decode("latin-1")
        url = self.url(route) + (f"?{query}" if query else "")
        if secret or not self.genuine(request, url):
            raise Refused("The signature is missing or wrong.")

    @abstractmethod
    def genuine(self, request: Request, url: str) -> bool:
        """Tell whether the request was signed for `url` with one of the configured secrets."""
