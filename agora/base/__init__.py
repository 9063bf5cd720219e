"""What every app stands on. No tables of ours, no words of the domain."""
