"""Where a message that must be kept is kept. Native alone: see filing.pxd."""
