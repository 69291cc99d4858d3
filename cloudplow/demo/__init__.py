"""`cloudplow demo`: a generated library, a small pool of accounts, a local cloud."""
