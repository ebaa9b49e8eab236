"""Making, joining, slicing, gathering and rearranging tensors."""
