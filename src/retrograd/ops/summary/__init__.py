"""Operations that make summaries, and those that write them into event files."""
