"""Sending by idea: the pace of a channel, civil time and quiet hours, health, routes, and one line per channel."""
