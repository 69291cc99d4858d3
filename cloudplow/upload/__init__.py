"""One upload: what is listed, planned, run and charged, stage by stage."""
