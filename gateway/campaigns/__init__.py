"""Asking many citizens one flow: who, when, in which waves, at what cost, and when to stop. See `plan.py` first."""
