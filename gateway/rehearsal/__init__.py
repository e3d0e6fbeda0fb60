"""`awal rehearse N`: simulated citizens who talk to the running gateway through its real webhooks."""
