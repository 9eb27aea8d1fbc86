"""Backups: a home as one file, made while it is in use, and a home from such a file."""
