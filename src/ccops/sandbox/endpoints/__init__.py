"""What each of Kit's endpoints does, one module per kind of thing."""
