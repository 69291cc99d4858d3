"""What the dashboard knows, fed by events. No Flask: others may use it."""
