"""What stands between a stanza and an outbox: client states, and who is told of what a lost link keeps. Native only."""
