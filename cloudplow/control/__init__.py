"""The control socket: how the running program is asked and steered from outside, on this machine only."""
