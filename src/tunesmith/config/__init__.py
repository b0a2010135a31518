"""What can be said of a composed config, and of the files it is made of, before anything runs."""
