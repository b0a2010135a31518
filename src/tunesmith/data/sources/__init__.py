"""Where samples come from: one module per kind of data set, each returning Arrays."""
