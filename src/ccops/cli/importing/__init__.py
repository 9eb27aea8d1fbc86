"""`ccops import`: a field changed by the rows of a file, each of them once."""
