"""`python -m gateway` is `awal`."""

from gateway.cli import main

main()
