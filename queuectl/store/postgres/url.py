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
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:\d*)?")
_TELLABLE = frozenset(
    """
    application_name channel_binding client_encoding connect_timeout dbname fallback_application_name
    gssdelegation gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle
    keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version oauth_client_id
    oauth_issuer oauth_scope options passfile port replication require_auth requirepeer service servicefile
    ssl_max_protocol_version ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey
    sslkeylogfile sslmode sslnegotiation sslrootcert sslsni target_session_attrs tcp_user_timeout user
    """.split()  # noqa: SIM905 - as a list it is fifty lines
)
"""What may be shown. libpq knows five secrets by now, and whatever it does not know may be a piece of one."""


def shown(url: str) -> str:
    """The address without its passwords, for messages, and for telling one store from another."""
    scheme, _, rest = url.partition("://")
    if _is_torn(rest):
        return "postgresql://…"
    # Up to the last @ before a slash: so nothing of a password is shown that should have been written with %40.
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    place, question, words = f"{user.partition(':')[0]}{at}{host}{slash}{path}".partition("?")
    kept = "&".join(word for word in words.split("&") if word.partition("=")[0] in _TELLABLE)
    return f"{scheme.replace('postgres', 'postgresql') if scheme == 'postgres' else scheme}://{place}" + (
        question + kept if kept else ""
    )


def name_of(address: str) -> str:
    """Name the store at this address, as `shown` gives it, in file names and environments.

    Without its password, which may change. Two ways to write one address are two names.
    """
    from hashlib import sha256

    return sha256(address.encode(errors="surrogatepass")).hexdigest()[:16]


def beside(url: str, database: str) -> str:
    """The URL of another database on the same server; its name needs no quoting."""
    place, _, words = url.partition("?")
    scheme, _, rest = place.partition("://")
    kept = "&".join(word for word in words.split("&") if word and word.partition("=")[0] != "dbname")
    return f"{scheme}://{rest.partition('/')[0]}/{database}" + (f"?{kept}" if kept else "")


def secrets(given: Mapping[str, str]) -> list[str]:
    """The values that no message may repeat."""
    return [value for name, value in given.items() if value and name not in _TELLABLE]


def check(url: str) -> None:
    """Refuse what libpq would misread, and then name in its message. Raises UsageError."""
    authority = url.partition("://")[2].partition("/")[0]
    torn = _is_torn(url.partition("://")[2])
    if torn or "\0" in url or authority.count("@") > 1 or "?" in authority.rpartition("@")[0]:
        raise UsageError(
            f"{shown(url)} is not the address of a server",
            hint="in a password, write @ as %40, / as %2F, ? as %3F and % as %25",
        )


def _is_torn(rest: str) -> bool:
    """Whether a slash in a password has torn it in two, so that libpq would take `user:part` for a host and a port."""
    authority, _, path = rest.partition("/")
    hosts = authority.rpartition("@")[2].partition("?")[0]
    return "@" in path.partition("?")[0] or not all(_HOST_AND_PORT.fullmatch(host) for host in hosts.split(","))


def trust(given: Mapping[str, str | None], address: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """The sslmode that a connection must have; None where it does not matter, because the server is here.

    Commands travel over it, and whoever can change them runs what he likes as the worker's user: so to another host it
    is encrypted, and the host has shown who it is. Raises UsageError for less.
    """
    hosts = [
        given.get(name) or environ.get(variable) for name, variable in (("host", "PGHOST"), ("hostaddr", "PGHOSTADDR"))
    ]
    # Both count: `host` is the name that the certificate must have, even where `hostaddr` leads back to this machine.
    here = all(_LOCAL.match(host) for hosts_ in hosts if hosts_ for host in hosts_.split(","))
    # A service file may name any host or address; it goes before the environment, and only the URL before it.
    service = given.get("service") or environ.get("PGSERVICE")
    if here and not (service and not (given.get("host") and given.get("hostaddr"))):
        return None
    asked = given.get("sslmode") or environ.get("PGSSLMODE")
    if asked not in {None, "verify-full"}:
        raise UsageError(
            f"sslmode={asked} is too little for {address}: commands travel over the network",
            hint="leave sslmode out; sslrootcert=FILE (or sslrootcert=system) names whom to trust",
        )
    return "verify-full"


def demanded(given: Mapping[str, str | None], address: str) -> dict[str, str]:
    """What a connection must have, whatever was given. Raises UsageError where less was asked for."""
    mode = trust(given, address)
    # With Kerberos at hand libpq would encrypt by that instead, and ask for no certificate.
    return {} if mode is None else {"sslmode": mode, "gssencmode": "disable"}
