"""Files -> accounts and stages. Pure."""
