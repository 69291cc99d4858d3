"""What is due when, and why not: pure functions of facts and clocks, without threads, files or processes."""
