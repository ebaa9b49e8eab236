"""Operations: a family a file, each op declared once (see `declare`)."""
