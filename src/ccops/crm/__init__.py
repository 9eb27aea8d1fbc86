"""Contacts, fields and tags of a CRM, behind one small protocol."""
