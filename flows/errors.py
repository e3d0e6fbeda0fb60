"""The one root of the program's own errors. Every room but `locales` and `national` may import it."""


class AwalError(Exception):
    """Something a person can put right; its text is one line: the value, what is wrong, what to do."""
