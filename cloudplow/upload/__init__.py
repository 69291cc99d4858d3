"""One upload: lists, plans, runs and charges, stage by stage."""
