"""What crosses a file boundary, typed both ways: rows, answers, outcomes, results, claims; and how files are kept."""
