"""A session without a link, and with another one (XEP-0198). Native only."""
