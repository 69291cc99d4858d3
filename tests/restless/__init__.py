"""Uploads of a folder that is never quiet, and whether all that rested arrived, whole, and was truly told."""
