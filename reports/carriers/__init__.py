"""How snapshots travel without a link: each carrier in a module of its own, all with the same bodies and numbers."""
