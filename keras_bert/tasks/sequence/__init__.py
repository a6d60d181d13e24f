"""Labels and numbers for whole texts and for pairs of texts."""
