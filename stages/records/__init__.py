"""What crosses a file boundary, typed both ways: rows, answers, outcomes, results; and how files are kept."""
