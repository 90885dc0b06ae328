"""`Idempotency-Key`: a POST that is sent again gets the first answer again.

A key belongs to its user for 24 hours. The same key with another request is a conflict. Of two at
the same moment one does the work, and the other is told to ask again. What changed nothing (bad
input, a missing right, an error of the server) is not remembered: it may be sent again, mended.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from audit_app.api.authentication import user_of
from audit_app.models import RememberedAnswer
from ollamactl.lib.api.views import StrictView
from ollamactl.lib.errors import Conflict, InvalidInput

HEADER = "Idempotency-Key"
# A request of ours takes a few seconds; what takes longer has died with its process.
ABANDONED = timedelta(seconds=60)
LONGEST_KEY = 255


class Answered(Exception):
    """Carries the answer that was given before."""

    def __init__(self, answer: RememberedAnswer) -> None:
        super().__init__()
        self.answer = answer


class IdempotentView(StrictView):
    """Remembers the answers to POSTs that carry a key."""

    claimed: RememberedAnswer | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        key = request.headers.get(HEADER)
        if request.method == "POST" and key is not None:
            self.claimed = claim(request, key)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Answered):
            return Response(
                exc.answer.body, status=exc.answer.status, headers={"Idempotency-Replayed": "true"}
            )
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if self.claimed is not None:
            remember(self.claimed, response)
            self.claimed = None
        return super().finalize_response(request, response, *args, **kwargs)


def claim(request: Request, key: str) -> RememberedAnswer:
    """Take the key for this request; raises `Answered`, or `Conflict` where it cannot be had."""
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise InvalidInput(
            _("An Idempotency-Key has 1 to %(most)d printable ASCII characters.")
            % {"most": LONGEST_KEY},
            code="invalid_key",
        )
    now = timezone.now()
    RememberedAnswer.objects.filter(created_at__lt=now - RememberedAnswer.KEPT).delete()
    digest = _digest(request)
    try:
        with transaction.atomic():
            return RememberedAnswer.objects.create(
                user=user_of(request), key=key, request_hash=digest
            )
    except IntegrityError:
        return _take_over(request, key, digest)


def _take_over(request: Request, key: str, digest: str) -> RememberedAnswer:
    """Answer from the other request with this key, or take its place if it died."""
    other = RememberedAnswer.objects.filter(user=user_of(request), key=key).first()
    if other is not None and other.request_hash != digest:
        raise Conflict(
            _("This Idempotency-Key was used for another request. Use a new one."),
            code="idempotency_key_reused",
        )
    if other is not None and other.status is not None:
        raise Answered(other)
    now = timezone.now()
    if other is not None and other.created_at < now - ABANDONED:
        taken = RememberedAnswer.objects.filter(
            pk=other.pk, status=None, created_at=other.created_at
        ).update(created_at=now)
        if taken:
            return other
    raise Conflict(
        _("The first request with this Idempotency-Key is still being answered. Ask again soon."),
        code="request_in_progress",
    )


def remember(claimed: RememberedAnswer, response: Response) -> None:
    """Keep the answer, or give the key back if the request changed nothing."""
    if response.status_code >= 300 and response.status_code != 409:
        claimed.delete()
        return
    claimed.status = response.status_code
    claimed.body = json.loads(JSONRenderer().render(response.data) or b"null")
    claimed.save(update_fields=["status", "body"])


def _digest(request: Request) -> str:
    # Keyed, as a body may hold a password: the digest alone must not let it be guessed.
    parts = [request.method, request.get_full_path(), request.data]
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return salted_hmac("audit_app.idempotency", text, algorithm="sha256").hexdigest()
