"""The parts of making a package, in the order of their use: choose, draft and draw, say what it is, write."""
