"""The address of a PostgreSQL store: what people may see of it, and whom a connection may trust."""

from __future__ import annotations

import os
import re

from queuectl.domain.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCAL = re.compile(r"$|/|@|localhost$|127\.\d+\.\d+\.\d+$|::1$")
"""No host at all, a directory of sockets, an abstract socket, or this machine."""
_SECRET = re.compile(r"(password|sslpassword)=", re.IGNORECASE)


def shown(url: str) -> str:
    """The address without its passwords, for messages, and for telling one store from another."""
    scheme, _, rest = url.partition("://")
    # Up to the last @ before a slash: so nothing of a password is shown that should have been written with %40.
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    place, question, words = f"{user.partition(':')[0]}{at}{host}{slash}{path}".partition("?")
    kept = "&".join(word for word in words.split("&") if not _SECRET.match(word))
    return f"{scheme.replace('postgres', 'postgresql') if scheme == 'postgres' else scheme}://{place}" + (
        question + kept if kept else ""
    )


def check(url: str) -> None:
    """Refuse what libpq would misread, and then name in its message. Raises UsageError."""
    authority = url.partition("://")[2].partition("/")[0]
    if "\0" in url or authority.count("@") > 1 or "?" in authority.rpartition("@")[0]:
        raise UsageError(
            f"{shown(url)} is not the address of a server",
            hint="in a password, write @ as %40, / as %2F, ? as %3F and % as %25",
        )


def trust(given: Mapping[str, str | None], address: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The sslmode that a connection must have; None where it does not matter, because the server is here.

    Commands travel over it, and whoever can change them runs what he likes as the worker's user: so to another host it
    is encrypted, and the host has shown who it is. Raises UsageError for less.
    """
    hosts = [
        given.get(name) or environ.get(variable) for name, variable in (("host", "PGHOST"), ("hostaddr", "PGHOSTADDR"))
    ]
    here = all(_LOCAL.match(host) for hosts_ in hosts if hosts_ for host in hosts_.split(","))
    # A service file may name any host.
    service = given.get("service") or environ.get("PGSERVICE")
    if here and not (service and not any(hosts)):
        return None
    asked = given.get("sslmode") or environ.get("PGSSLMODE")
    if asked not in {None, "verify-full"}:
        raise UsageError(
            f"sslmode={asked} is too little for {address}: commands travel over the network",
            hint="leave sslmode out; sslrootcert=FILE (or sslrootcert=system) names whom to trust",
        )
    return "verify-full"
