"""Pages that show a study or a run: one HTML file each, which opens offline."""
