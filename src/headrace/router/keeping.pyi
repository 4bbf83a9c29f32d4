"""Which messages must be kept (protocol.md 3). Native only."""
