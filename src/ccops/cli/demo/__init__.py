"""The command `ccops demo`: the whole story, told by the real commands on a stage of its own."""
