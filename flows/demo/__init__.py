"""The simulated world of `evidence demo` and of the tests: real parts where they exist, invented data everywhere."""
