"""Lines by which a machine starts ccops on its own: crontab lines, and units of systemd. Pure: nothing is installed."""
