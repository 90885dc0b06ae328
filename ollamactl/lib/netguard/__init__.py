"""The guard on every outbound call: which addresses, how long, how much.

- `check_url` judges what somebody typed; `Policy` says what a call may do.
- `open_client` gives an httpx client whose connections go to checked addresses only: a name is
  resolved once, its addresses are judged, and one of those judged is the one connected to.
- `fetch` gets one small answer, following redirects where the policy lets it, each hop checked.
"""

from ollamactl.lib.netguard.addresses import Reach, judge_address, reach_of
from ollamactl.lib.netguard.client import open_client, read_body
from ollamactl.lib.netguard.errors import (
    AddressRefused,
    AnswerTooLarge,
    EncodedAnswer,
    NameNotResolved,
    NoUsableAnswer,
    OutboundError,
    RedirectRefused,
    TotalTimeout,
)
from ollamactl.lib.netguard.fetch import Answer, fetch
from ollamactl.lib.netguard.policy import Policy, ssl_context
from ollamactl.lib.netguard.urls import check_url

__all__ = [
    "AddressRefused",
    "Answer",
    "AnswerTooLarge",
    "EncodedAnswer",
    "NameNotResolved",
    "NoUsableAnswer",
    "OutboundError",
    "Policy",
    "Reach",
    "RedirectRefused",
    "TotalTimeout",
    "check_url",
    "fetch",
    "judge_address",
    "open_client",
    "reach_of",
    "read_body",
    "ssl_context",
]
