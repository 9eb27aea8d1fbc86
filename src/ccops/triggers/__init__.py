"""What calls the engine on its own: tag polling, the webhook receiver and its inbox."""
