"""What people may type about accounts, by page."""
