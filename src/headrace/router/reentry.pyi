"""What a session held when it ended goes to whom it concerns now (protocol.md 5). Native only."""
