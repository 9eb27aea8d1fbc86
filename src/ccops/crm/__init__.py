"""Contacts, fields, tags and webhooks of a CRM, behind one protocol."""
