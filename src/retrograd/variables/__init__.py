"""Variables: what a program keeps between steps, how it is named, shared and set up."""
