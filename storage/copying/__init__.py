"""From one store to another: `awal store copy`, and the epoch that a restore has to raise."""

from storage.copying.copy import Copy as Copy
from storage.copying.side import opened as opened
