"""Reads run folders and studies to explain them. Imports neither torch nor Lightning."""
