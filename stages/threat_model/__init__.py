"""What a defender sees, spends and declares, and the contract that a defense is run under."""
