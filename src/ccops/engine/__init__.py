"""The heart: apply one, apply many, settle, undo."""
