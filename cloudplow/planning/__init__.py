"""Assigns files to accounts and stages. Pure."""
