"""The page of a study: reads what a study and its folder hold, and writes report.html."""
