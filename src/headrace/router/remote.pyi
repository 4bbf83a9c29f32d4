"""Presence of local accounts for addresses on other servers. Native only."""
