"""The dense form of what leaves, for an SMS of 160 characters or a printed code: see `envelope` first."""
