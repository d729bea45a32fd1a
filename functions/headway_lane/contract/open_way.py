"""Whether anybody on the way could read what is sent to a URL."""

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_open(url: str) -> bool:
    """Return whether a URL is without encryption and leads out of this machine. ValueError where it is none."""
    parts = urlsplit(url)
    return parts.scheme != "https" and not _is_loopback(parts.hostname or "")


def has_user(url: str) -> bool:
    """Return whether a URL has a user in it, and perhaps a password. ValueError where it is none."""
    return "@" in urlsplit(url).netloc


def _is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its address or by the name that is reserved for it (RFC 6761, 6.3)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
