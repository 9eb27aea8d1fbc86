"""The HTTP receiver of webhooks and POSTs, and the worker behind it."""
