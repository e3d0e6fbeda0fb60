"""Ratios measured side by side: `make bench`."""
