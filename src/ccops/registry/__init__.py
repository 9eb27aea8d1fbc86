"""`operations.toml` in and out, the settings of `config.toml` and the environment, and the home folder."""
