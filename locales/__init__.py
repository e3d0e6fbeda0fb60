"""Languages: catalogues, negotiation, plural and number rules, Tifinagh and Latin, text folding, place names."""
