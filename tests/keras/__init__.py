"""Models are built, trained and saved as Keras of 1.15 does."""
