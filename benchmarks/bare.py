"""The yardstick: a bare Flask application that answers a form with a short text."""

from __future__ import annotations

from flask import Flask, request

app = Flask(__name__)


@app.get("/health")
def health() -> dict[str, str]:
    """Answer as ours does."""
    return {"status": "ok"}


@app.post("/ussd")
def ussd() -> str:
    """Answer a USSD callback with a short text."""
    return f"CON {request.form.get('text', '')}"
