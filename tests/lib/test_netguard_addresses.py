"""Which addresses and URLs a call may go to."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.netguard import AddressRefused, Reach, check_url, judge_address, reach_of


@pytest.mark.parametrize(
    ("text", "reach"),
    [
        ("93.184.215.14", Reach.PUBLIC),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", Reach.PUBLIC),
        ("10.1.2.3", Reach.PRIVATE),
        ("172.16.0.1", Reach.PRIVATE),
        ("192.168.1.1", Reach.PRIVATE),
        ("100.64.0.1", Reach.PRIVATE),
        ("198.18.0.1", Reach.PRIVATE),
        ("fd12::1", Reach.PRIVATE),
        ("127.0.0.1", Reach.LOOPBACK),
        ("127.8.8.8", Reach.LOOPBACK),
        ("::1", Reach.LOOPBACK),
        ("0.0.0.0", Reach.FORBIDDEN),
        ("0.1.2.3", Reach.FORBIDDEN),
        ("::", Reach.FORBIDDEN),
        ("169.254.169.254", Reach.FORBIDDEN),
        ("169.254.1.1", Reach.FORBIDDEN),
        ("fe80::1", Reach.FORBIDDEN),
        ("fe80::1%eth0", Reach.FORBIDDEN),
        ("224.0.0.1", Reach.FORBIDDEN),
        ("ff02::1", Reach.FORBIDDEN),
        ("255.255.255.255", Reach.FORBIDDEN),
        ("240.0.0.1", Reach.FORBIDDEN),
        ("100.100.100.200", Reach.FORBIDDEN),
        ("168.63.129.16", Reach.FORBIDDEN),
        ("fd00:ec2::254", Reach.FORBIDDEN),
        # carriers of another address
        ("::ffff:169.254.169.254", Reach.FORBIDDEN),
        ("::ffff:127.0.0.1", Reach.LOOPBACK),
        ("::ffff:10.0.0.1", Reach.PRIVATE),
        ("::ffff:93.184.215.14", Reach.PUBLIC),
        ("64:ff9b::169.254.169.254", Reach.FORBIDDEN),
        ("64:ff9b::10.0.0.1", Reach.PRIVATE),
        ("64:ff9b::93.184.215.14", Reach.PUBLIC),
        ("64:ff9b:1::93.184.215.14", Reach.PRIVATE),
        ("2002:a9fe:a9fe::1", Reach.FORBIDDEN),
        ("2002:7f00:1::1", Reach.LOOPBACK),
        ("2002:a00:1::1", Reach.PRIVATE),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", Reach.FORBIDDEN),
        ("::127.0.0.1", Reach.FORBIDDEN),
        ("::ffff:0:10.0.0.1", Reach.FORBIDDEN),
    ],
)
def test_reach(text: str, reach: Reach) -> None:
    assert reach_of(ip_address(text)) is reach


@given(st.ip_addresses(v=4))
def test_a_mapped_address_reaches_as_far_as_the_one_inside(inner: IPv4Address) -> None:
    mapped = IPv6Address(f"::ffff:{inner}")
    nat64 = IPv6Address(int(IPv6Address("64:ff9b::")) | int(inner))
    assert reach_of(mapped) is reach_of(nat64) is reach_of(inner)


@given(st.ip_addresses())
def test_the_strictest_policy_lets_public_addresses_through_alone(
    address: IPv4Address | IPv6Address,
) -> None:
    if reach_of(address) is Reach.PUBLIC:
        judge_address(address, allow_private=False, allow_loopback=False)
        return
    with pytest.raises(AddressRefused):
        judge_address(address, allow_private=False, allow_loopback=False)


@pytest.mark.parametrize(
    ("private", "loopback", "allowed"),
    [(True, False, "10.0.0.1"), (False, True, "127.0.0.1"), (True, True, "::1")],
)
def test_each_kind_has_its_own_permission(private: bool, loopback: bool, allowed: str) -> None:
    judge_address(ip_address(allowed), allow_private=private, allow_loopback=loopback)
    with pytest.raises(AddressRefused):
        judge_address(ip_address("169.254.169.254"), allow_private=private, allow_loopback=loopback)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        (" HTTP://Example.COM/ ", "http://example.com"),
        ("https://example.com:443/ollama/", "https://example.com/ollama"),
        ("http://[::1]:11434", "http://[::1]:11434"),
        ("http://gpu_box:11434", "http://gpu_box:11434"),
        ("http://bücher.example", "http://xn--bcher-kva.example"),
    ],
)
def test_usable_urls_get_their_normal_form(url: str, normal: str) -> None:
    assert check_url(url, allow_private=True) == normal


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:11434",
        "ftp://example.com",
        "file:///etc/passwd",
        "javascript://x/%0aalert(1)",
        "http://",
        "http://:80",
        "http://user@example.com",
        "http://user:secret@example.com",
        "http://example.com:0",
        "http://example.com:99999",
        "http://example.com:port",
        "http://exa mple.com",
        "http://example.com\\@evil.example",
        "http://example.com\r\nHost: evil",
        "http://example.com/?q=1",
        "http://example.com/#x",
        "http://[::1",
        "http://127.1",
        "http://2130706433",
        "http://169.254.169.254/latest",
        "http://[fe80::1%25eth0]/",
        "http://0.0.0.0:11434",
        "http://[::ffff:169.254.169.254]/",
        "http://" + "a" * 3000,
    ],
)
def test_unusable_urls_get_a_sentence(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_url(url, allow_private=True)
    assert str(caught.value.detail).endswith(".")
    assert "secret" not in str(caught.value.detail)


@pytest.mark.parametrize("url", ["http://127.0.0.1", "http://192.168.0.4", "http://[::1]"])
def test_private_numbers_need_leave(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_url(url)
    assert caught.value.code == "address_refused"


def test_https_alone_can_be_asked_for() -> None:
    with pytest.raises(InvalidInput, match="https://"):
        check_url("http://example.com", schemes=("https",))


@given(st.text(max_size=80))
def test_any_text_is_a_url_or_a_sentence(text: str) -> None:
    with suppress(InvalidInput):
        assert check_url(f"http://{text}").startswith("http://")
