"""The commands `ccops webhook …`: what Kit and other systems need to reach `serve`."""
