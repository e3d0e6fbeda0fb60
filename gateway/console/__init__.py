"""The operator console: server-rendered pages, and the phone simulator on the first of them."""
