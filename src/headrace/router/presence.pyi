"""Presence between local accounts (RFC 6121 section 4). Native only."""
