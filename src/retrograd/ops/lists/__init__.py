"""Lists of tensors: TensorLists, TensorArrays, stacks."""
