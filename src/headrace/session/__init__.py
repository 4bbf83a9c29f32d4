"""From an accepted connection to a session bound into the router."""
