"""Which notebook this is, its settings and its sessions."""
