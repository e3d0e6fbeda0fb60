"""The flow language: YAML to a checked flow, a pure `step()`, the reading of replies, screens and segments."""
