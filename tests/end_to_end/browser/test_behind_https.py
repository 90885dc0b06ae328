"""A panel behind a proxy that speaks TLS: a login, a download and its row, live, in a browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from tests.components.fixtures import NewContext
from tests.components.panel import READY_SECONDS, PanelProcess
from tests.components.waiting import free_port, wait_until
from tests.end_to_end.browser.visitor import Visitor
from tests.helpers.certificates import server_certificate
from tests.helpers.tls_proxy import tls_proxy

# Of no model that a demo begins with, so that its bytes take some seconds.
NAME = "qwen2.5:0.5b"


def test_a_download_is_live_behind_https(tmp_path: Path, new_context: NewContext) -> None:
    tls, _ca_pem = server_certificate(tmp_path, "127.0.0.1")
    port = free_port()
    address = f"https://127.0.0.1:{port}"
    settings = {"OLLAMACTL_PUBLIC_URL": address, "OLLAMACTL_TRUSTED_PROXIES": "127.0.0.1"}
    panel = PanelProcess(tmp_path / "h", "--demo", prepared=True, **settings)
    with panel, tls_proxy(port, panel.port, tls):
        panel.launch()  # it says where it is in public, not which port it has
        wait_until(panel.is_ready, "the panel is ready", READY_SECONDS)
        visitor = Visitor(new_context(ignore_https_errors=True), panel, address=address)
        visitor.log_in("admin", panel.password)
        cookies = visitor.context.cookies()
        assert {c["name"]: c["secure"] for c in cookies if c["name"] != "ollamactl_language"} == {
            "ollamactl_session": True,
            "ollamactl_csrf": True,
        }
        visitor.open(f"models/add/?name={NAME}")
        visitor.page.get_by_role("button", name="Download").click()
        visitor.is_live()
        shown = visitor.page.locator("#model-panel")
        expect(shown.locator("progress[value]")).to_be_visible()
        expect(shown.locator(".oc-badge").first).to_have_text("stopped", timeout=60_000)
        assert visitor.complaints == []
