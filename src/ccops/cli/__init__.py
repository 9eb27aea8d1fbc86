"""The command line: reads it, calls one function, shows the result."""
