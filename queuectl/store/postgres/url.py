"""URLs of PostgreSQL stores: which parts may be shown, and how a connection verifies the server."""

from __future__ import annotations

import os
import re

from queuectl.domain.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LOCAL = re.compile(r"$|/|@|localhost$|127\.\d+\.\d+\.\d+$|::1$")
"""No host, a directory of sockets, an abstract socket, or this machine."""
_HOST_AND_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(:\d*)?")
_PUBLIC = frozenset(
    """
    application_name channel_binding client_encoding connect_timeout dbname fallback_application_name
    gssdelegation gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle
    keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version oauth_client_id
    oauth_issuer oauth_scope options passfile port replication require_auth requirepeer service servicefile
    ssl_max_protocol_version ssl_min_protocol_version sslcert sslcertmode sslcompression sslcrl sslcrldir sslkey
    sslkeylogfile sslmode sslnegotiation sslrootcert sslsni target_session_attrs tcp_user_timeout user
    """.split()  # noqa: SIM905 - as a list it is fifty lines
)
"""Parameters that may be shown. libpq has five secret ones so far; unknown ones may be part of a password."""


def shown(url: str) -> str:
    """Return the URL without its passwords, for messages and as the name of the store."""
    scheme, _, rest = url.partition("://")
    if _is_torn(rest):
        return "postgresql://…"
    # Up to the last @ before a slash, so that no part of a password is shown whose @ should have been %40.
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    place, question, words = f"{user.partition(':')[0]}{at}{host}{slash}{path}".partition("?")
    kept = "&".join(word for word in words.split("&") if word.partition("=")[0] in _PUBLIC)
    return f"{scheme.replace('postgres', 'postgresql') if scheme == 'postgres' else scheme}://{place}" + (
        question + kept if kept else ""
    )


def name_of(address: str) -> str:
    """Return a name for the store at `address` (a result of `shown`), for use in file names and environments.

    The password, which may change, is not part of it. Different spellings of an address give different names.
    """
    from hashlib import sha256

    return sha256(address.encode(errors="surrogatepass")).hexdigest()[:16]


def beside(url: str, database: str) -> str:
    """Return the URL of another database on the same server; its name must need no quoting."""
    place, _, words = url.partition("?")
    scheme, _, rest = place.partition("://")
    kept = "&".join(word for word in words.split("&") if word and word.partition("=")[0] != "dbname")
    return f"{scheme}://{rest.partition('/')[0]}/{database}" + (f"?{kept}" if kept else "")


def secrets(parameters: Mapping[str, str]) -> list[str]:
    """Return the values that no message may contain."""
    return [value for name, value in parameters.items() if value and name not in _PUBLIC]


def check(url: str) -> None:
    """Refuse a URL that libpq would misread, and then quote in its message. Raises UsageError."""
    authority = url.partition("://")[2].partition("/")[0]
    torn = _is_torn(url.partition("://")[2])
    if torn or "\0" in url or authority.count("@") > 1 or "?" in authority.rpartition("@")[0]:
        raise UsageError(
            f"{shown(url)} is not the address of a server",
            hint="in a password, write @ as %40, / as %2F, ? as %3F and % as %25",
        )


def _is_torn(rest: str) -> bool:
    """Return whether an unescaped slash in a password splits it, so that `user:part` would be read as host and port."""
    authority, _, path = rest.partition("/")
    hosts = authority.rpartition("@")[2].partition("?")[0]
    return "@" in path.partition("?")[0] or not all(_HOST_AND_PORT.fullmatch(host) for host in hosts.split(","))


def trust(parameters: Mapping[str, str | None], address: str, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the sslmode that a connection needs; None where the server is on this machine.

    An attacker who can alter the traffic can run any command as the worker's user, since it carries the jobs'
    commands. So a connection to another host is encrypted, and the host's certificate is verified. Raises
    UsageError for less.
    """
    hosts = [
        parameters.get(name) or environ.get(variable)
        for name, variable in (("host", "PGHOST"), ("hostaddr", "PGHOSTADDR"))
    ]
    # Both count: the certificate must be for `host`, even if `hostaddr` leads back to this machine.
    here = all(_LOCAL.match(host) for hosts_ in hosts if hosts_ for host in hosts_.split(","))
    # A service file may name any host; it overrides the environment, and only the URL overrides it.
    service = parameters.get("service") or environ.get("PGSERVICE")
    if here and not (service and not (parameters.get("host") and parameters.get("hostaddr"))):
        return None
    mode = parameters.get("sslmode") or environ.get("PGSSLMODE")
    if mode not in {None, "verify-full"}:
        raise UsageError(
            f"sslmode={mode} is too weak for {address}: commands travel over the network",
            hint="leave sslmode out; sslrootcert=FILE (or sslrootcert=system) names the certificate authority",
        )
    return "verify-full"


def demanded(parameters: Mapping[str, str | None], address: str) -> dict[str, str]:
    """Return the parameters that a connection must have. Raises UsageError where weaker ones were given."""
    mode = trust(parameters, address)
    # With Kerberos available, libpq would use GSS encryption instead, and not check a certificate.
    return {} if mode is None else {"sslmode": mode, "gssencmode": "disable"}
