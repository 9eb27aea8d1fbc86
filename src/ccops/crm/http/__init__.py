"""HTTP as every CRM needs it: transport, rate limit, retries."""
