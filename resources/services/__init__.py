"""Every write, and the questions that writes and pages ask alike."""
