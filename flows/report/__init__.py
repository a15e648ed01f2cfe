"""Drawing only: one assessment in, renderings out. What is drawn was decided in `controls`."""
