"""Tokenizers for stanzas that come from no link. Native only."""
