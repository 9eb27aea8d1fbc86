"""Answers why a contact has what it has."""
