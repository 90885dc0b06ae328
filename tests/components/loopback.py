"""Plain HTTP on loopback, by httpx."""

import ssl

PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""`verify` of a client that speaks no TLS. By itself httpx reads all the authorities for each
client, and for each call without one: 40 ms of a processor, which a panel that starts could use."""
