"""The receiver: takes webhooks and POSTs over HTTP into the inbox, and tells how they went."""
