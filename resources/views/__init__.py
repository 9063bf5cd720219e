"""Pages of resources, one module for each page."""
