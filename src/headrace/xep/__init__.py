"""Protocol pieces of the XEPs as small pure functions, without policy."""
