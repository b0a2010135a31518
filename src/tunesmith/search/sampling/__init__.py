"""Which values a trial gets: samplers, pruners and the enumeration of small spaces."""
