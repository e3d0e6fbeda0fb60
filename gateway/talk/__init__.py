"""Talking to a flow without a phone: `awal play`, and the conversation tests beside each flow (`awal test`)."""
