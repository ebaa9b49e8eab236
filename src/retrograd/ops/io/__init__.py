"""Operations that read and write files."""
