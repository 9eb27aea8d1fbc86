"""The command `ccops schedule`: lines by which the machine starts ccops on its own."""
