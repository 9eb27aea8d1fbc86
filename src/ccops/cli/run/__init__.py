"""`ccops run`: an operation for contacts that are named, or chosen by a tag, a file, or all."""
