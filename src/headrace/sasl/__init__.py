"""SASL mechanisms as pure objects (no I/O, no clock) and what is stored for them."""
