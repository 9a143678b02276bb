"""Mail of the shop: its domain, what it sends and what it receives."""
