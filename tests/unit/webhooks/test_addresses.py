"""Where webhooks may lead, and what counts as an address of the web."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from earmark.webhooks.addresses import allowed_networks, is_allowed
from earmark.webhooks.errors import InvalidWebhookError
from earmark.webhooks.sending import Target, parse_url

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"]
NOT_PUBLIC = [
    "127.0.0.1",
    "127.8.8.8",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str):
    assert is_allowed(address, [])


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_others_are_refused_in_whatever_form(address: str):
    assert not is_allowed(address, [])


def test_a_range_that_is_named_is_allowed_and_no_other():
    networks = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00::/8")]

    assert is_allowed("10.1.2.3", networks)
    assert is_allowed("fd12::1", networks)
    assert not is_allowed("10.2.0.1", networks)
    assert not is_allowed("127.0.0.1", networks)


def test_a_setting_that_is_no_range_is_told_at_the_start(settings: Any):
    settings.EARMARK_WEBHOOK_ALLOW_PRIVATE = ["10.1.0.0/16"]
    assert allowed_networks() == [ipaddress.ip_network("10.1.0.0/16")]
    settings.EARMARK_WEBHOOK_ALLOW_PRIVATE = ["intranet"]
    with pytest.raises(ImproperlyConfigured, match="EARMARK_WEBHOOK_ALLOW_PRIVATE"):
        allowed_networks()


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://studio.example/hook?a=1#x", Target("https", "studio.example", 443, "/hook?a=1")),
        ("http://studio.example:8080", Target("http", "studio.example", 8080, "/")),
        ("http://[::1]/", Target("http", "::1", 80, "/")),
    ],
)
def test_an_address_is_taken_apart(url: str, target: Target):
    assert parse_url(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "studio.example",
        "ftp://studio.example/",
        "file:///etc/passwd",
        "gopher://studio.example/",
        "https://",
        "https://user:secret@studio.example/",
        "https://user@studio.example/",
        "https://studio.example/\r\nX-Evil: 1",
        "https://studio.example/a b",
        "https://studio.example/ü",
        "https://studio.example:99999/",
        "https://[::1/",
        "https://studio.example/" + "x" * 2000,
    ],
)
def test_what_is_no_address_for_a_webhook_is_refused(url: str):
    with pytest.raises(InvalidWebhookError):
        parse_url(url)
