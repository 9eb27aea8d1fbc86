"""Why an operation ran for a contact or did not, in one sentence, and what mends it."""
