"""The home folder: operations file, settings, credentials."""
