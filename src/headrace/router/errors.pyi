"""Stanza errors that the data plane sends by itself (RFC 6120 8.3). Native only."""
