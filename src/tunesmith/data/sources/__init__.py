"""Where samples come from: one module per kind of data set; every source returns Arrays."""
