"""Hosts and accounts in memory, as the control plane programs them: methods of router.Router. Native only."""
