"""From answers and truth to a report."""
