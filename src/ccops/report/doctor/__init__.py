"""Everything that can be wrong with a home, as findings; each check stands alone, so that none hides another."""
