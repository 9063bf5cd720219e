"""Resources over the API, one module for each noun: the same services as the pages, checked by the same forms."""
