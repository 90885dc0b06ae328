"""The broker's URL in kombu's words."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit


def broker_from(url: str) -> str:
    """The server at `url` (redis://, rediss:// or unix://, as redis-py reads them) for kombu."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme == "unix":
        return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={query.get('db', '0')}"
    if parts.scheme == "rediss":
        # Left to itself kombu checks no certificate.
        query = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true", **query}
    return parts._replace(query=urlencode(query)).geturl()
