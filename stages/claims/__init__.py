"""The paper's claims, one file each: their parts, what decides a part, and when it cannot be tested."""
