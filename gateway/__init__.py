"""The gateway: settings, command line, web app, channels, the conversation transaction, sender, scheduler, console."""

__version__ = "0.1.0"
