"""Puts messages that must be kept into the archive queue (protocol.md 3, 5 and 6). Native only."""
