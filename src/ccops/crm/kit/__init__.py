"""Kit (formerly ConvertKit) behind the protocol of `crm`: the only room that speaks HTTP."""
