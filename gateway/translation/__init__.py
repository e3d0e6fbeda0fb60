"""Translators' work: catalogues kept in step with the flows, what is missing, sheets and pages side by side."""
