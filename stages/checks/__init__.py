"""Data checks as a gate: Great Expectations suites that training depends on."""
