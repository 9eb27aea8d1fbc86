"""The CRM's side of `serve`: webhooks made, given new secrets and removed, such that a crash leaves what mends itself."""
