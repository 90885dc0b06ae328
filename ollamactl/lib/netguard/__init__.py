"""The guard on every outbound call: which addresses, how long, how much.

- `check_url` judges what somebody typed; `Policy` says what a call may do.
- `GuardedClient` makes connections to checked addresses only: a name is resolved once, its
  addresses are judged, and one of those judged is the one connected to.
- `fetch` gets one small answer, following redirects where the policy lets it, each hop checked.
"""

from ollamactl.lib.netguard.addresses import Reach, judge_address, reach_of
from ollamactl.lib.netguard.broken import (
    Broken,
    CutOff,
    HungUp,
    NotConnected,
    NotHttp,
    Silent,
    TlsRefused,
)
from ollamactl.lib.netguard.client import GuardedClient, Incoming
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
    "Broken",
    "CutOff",
    "EncodedAnswer",
    "GuardedClient",
    "HungUp",
    "Incoming",
    "NameNotResolved",
    "NoUsableAnswer",
    "NotConnected",
    "NotHttp",
    "OutboundError",
    "Policy",
    "Reach",
    "RedirectRefused",
    "Silent",
    "TlsRefused",
    "TotalTimeout",
    "check_url",
    "fetch",
    "judge_address",
    "reach_of",
    "ssl_context",
]
