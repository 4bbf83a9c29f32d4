"""Order across punts (protocol.md 2). Native only."""
