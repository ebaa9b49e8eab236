"""Operations that read tensors from strings: records, CSV, raw bytes."""
