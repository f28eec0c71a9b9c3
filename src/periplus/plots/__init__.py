"""Pictures and pages that show the evidence."""
