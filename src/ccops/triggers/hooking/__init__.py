"""The CRM's side of `serve`: webhooks made, given new secrets and removed; what a crash leaves is found and mended."""
