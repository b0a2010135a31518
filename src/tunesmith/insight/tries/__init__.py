"""What came out of a remedy that was tried: what it is judged by, and whether it is better."""
