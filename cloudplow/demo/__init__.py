"""`cloudplow demo`: a made-up library, a small pool of accounts, a local cloud."""
