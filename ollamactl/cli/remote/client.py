"""The panel's API, typed and bounded: every call has a time limit, and no redirect is followed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ollamactl import __version__
from ollamactl.cli.failures import ApiError, CommandFailed, ExitCode, Unreachable
from ollamactl.cli.remote.config import Login, current_login, is_loopback
from ollamactl.cli.text import gettext as _
from ollamactl.cli.text import language

if TYPE_CHECKING:
    import requests

USER_AGENT = f"ollamactl/{__version__}"
PREFIX = "/api/v1/"
CONNECT_S = 5.0
READ_S = 30.0
WHOLE_S = 120.0
LONGEST_BODY = 64 * 1024 * 1024
PAGE_SIZE = 200
MOST_PAGES = 5000
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """A success: its status and its body."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class Panel:
    """One panel, as the holder of a token sees it."""

    def __init__(self, login: Login, *, read_timeout: float = READ_S) -> None:
        self.login = login
        self._timeout = (CONNECT_S, read_timeout)

    @classmethod
    def current(cls) -> Panel:
        """The panel that the environment or the last login names."""
        return cls(current_login())

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """GET a JSON object."""
        return self._json(self.send("GET", path, params=params))

    def post(self, path: str, body: Json | None = None) -> Json:
        """POST a JSON object or nothing, get one."""
        return self._json(self.send("POST", path, body=body))

    def patch(self, path: str, body: Json) -> Json:
        """PATCH some fields, get the whole."""
        return self._json(self.send("PATCH", path, body=body))

    def delete(self, path: str) -> Json:
        """DELETE; the answer's JSON object, or an empty one."""
        return self._json(self.send("DELETE", path))

    def every(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Json]:
        """All rows of a list, page by page."""
        for number in range(1, MOST_PAGES + 1):
            page = self.get(path, {**(params or {}), "page": number, "page_size": PAGE_SIZE})
            rows = page.get("results")
            if not isinstance(rows, list):
                raise self._foreign()
            yield from (row for row in rows if isinstance(row, dict))
            if not page.get("next"):
                return

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Json | None = None,
        basic: tuple[str, str] | None = None,
    ) -> Answer:
        """One call. Raises `ApiError` for an answer that is no success, `Unreachable` for none."""
        import requests

        url = f"{self.login.url}{PREFIX}{path}"
        try:
            with requests.Session() as session:
                session.trust_env = not is_loopback(self.login.url)
                session.verify = trusted_bundle()
                response = session.request(
                    method,
                    url,
                    params=params,
                    json=body,
                    auth=_Credentials(self.login.token, basic),
                    headers=_headers(),
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                )
                with response:
                    content = self._read(response)
        except requests.exceptions.SSLError as error:
            raise CommandFailed(
                _("The certificate of %(url)s is not trusted: %(error)s")
                % {"url": self.login.url, "error": _cause(error)}
            ) from error
        except requests.exceptions.Timeout as error:
            raise Unreachable(
                _("The panel at %(url)s did not answer in time.") % {"url": self.login.url}
            ) from error
        except requests.exceptions.RequestException as error:
            raise Unreachable(
                _("The panel at %(url)s does not answer. Is it running? Start it: ollamactl up")
                % {"url": self.login.url}
            ) from error
        if 200 <= response.status_code < 300:
            return Answer(response.status_code, content, response.headers)
        raise self._refusal(response.status_code, content, response.headers.get("Location", ""))

    def _read(self, response: requests.Response) -> bytes:
        """The body, bounded in size and in time."""
        deadline = time.monotonic() + WHOLE_S
        body = bytearray()
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > LONGEST_BODY:
                raise CommandFailed(_("The panel's answer is too long to be one."))
            if time.monotonic() > deadline:
                raise Unreachable(
                    _("The panel at %(url)s did not answer in time.") % {"url": self.login.url}
                )
        return bytes(body)

    def _json(self, answer: Answer) -> Json:
        if not answer.body:
            return {}
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self._foreign() from None
        if not isinstance(value, dict):
            raise self._foreign()
        return value

    def _foreign(self) -> CommandFailed:
        return CommandFailed(
            _("What answers at %(url)s is not an ollamactl panel. Check the address.")
            % {"url": self.login.url}
        )

    def _refusal(self, status: int, content: bytes, location: str) -> CommandFailed:
        """The failure that an answer stands for."""
        if 300 <= status < 400:
            return CommandFailed(
                _(
                    "%(url)s sends on to %(location)s, and a token does not follow. "
                    "Log in with the address that the panel really has."
                )
                % {"url": self.login.url, "location": location[:200] or "?"}
            )
        body = _object(content)
        code, detail = _first_error(body)
        if status == 401:
            error = ApiError(self._not_logged_in(detail), status=status, code=code, body=body)
            error.hints = (_("Log in: ollamactl login %(url)s") % {"url": self.login.url},)
            return error
        if detail:
            return ApiError(detail, status=status, code=code, body=body)
        if status >= 500:
            return Unreachable(
                _("The panel at %(url)s answered with an error (%(status)d). Try again later.")
                % {"url": self.login.url, "status": status}
            )
        if status == 404:
            failure = self._foreign()
            failure.exit_code = ExitCode.NOT_FOUND
            return failure
        return ApiError(
            _("The panel at %(url)s refused this (%(status)d).")
            % {"url": self.login.url, "status": status},
            status=status,
        )

    def _not_logged_in(self, detail: str) -> str:
        if not self.login.token:
            return detail or _("You are not logged in.")
        return _("The token is not valid, or no longer.")


def trusted_bundle() -> str:
    """The file or folder with the certificate authorities that are trusted here."""
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    chosen = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return chosen or str(DEFAULT_CA_BUNDLE_PATH)


class _Credentials:
    """The token or, to get one, a user and a password.

    Given as `auth`, so that a `.netrc` cannot put another Authorization header in its place.
    """

    def __init__(self, token: str, basic: tuple[str, str] | None) -> None:
        self._token = token
        self._basic = basic

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        from base64 import b64encode

        if self._basic is not None:
            pair = b64encode(":".join(self._basic).encode()).decode()
            request.headers["Authorization"] = f"Basic {pair}"
        elif self._token:
            request.headers["Authorization"] = f"Token {self._token}"
        return request


def _headers() -> dict[str, str]:
    return {
        "User-Agent": USER_AGENT,
        "Accept": "application/json, text/plain;q=0.9, */*;q=0.1",
        "Accept-Language": language(),
    }


def _object(content: bytes) -> Json:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _first_error(body: Json) -> tuple[str, str]:
    """The code of the first error, and the sentences of all."""
    errors = body.get("errors")
    rows = [row for row in errors if isinstance(row, dict)] if isinstance(errors, list) else []
    details = [str(row["detail"]) for row in rows if row.get("detail")]
    code = rows[0].get("code") if rows else None
    return str(code or ""), " ".join(details)


def _cause(error: BaseException) -> str:
    """The innermost reason: `requests` wraps it in several of its own."""
    inner: BaseException = error
    while inner.__cause__ or inner.__context__:
        inner = inner.__cause__ or inner.__context__ or inner
    return str(getattr(inner, "verify_message", "") or inner)[:200]
