"""A local stand-in for Kit's API v4, for trying things out, rehearsals and tests; real clients talk HTTP to it.

It follows Kit's documentation and, where that is silent, chooses what is hardest on a client. Known differences: of
the bulk calls only those that write fields, tag and untag, and nobody is called back; no forms, sequences or
broadcasts, no `include` in lists of contacts; each process counts the rate limit on its own. Webhooks are told of tags
added and taken off and of nothing else, and only on loopback, which Kit refuses; the history of a webhook endpoint's
deliveries is not to be had by HTTP. By OAuth anybody is let in unasked, as the app `sandbox-app`.
"""

from ccops.sandbox.faults import Fault
from ccops.sandbox.sandbox import Sandbox

__all__ = ["Fault", "Sandbox"]
