"""The ops of control flow, lists and Python functions, which rows cannot describe."""

OPS = """
Abort Assert Case ControlTrigger EagerPyFunc EmptyTensorList For If Merge NoOp
OptionalFromValue OptionalGetValue OptionalHasValue OptionalNone PartitionedCall
PrintV2 PyFunc PyFuncStateless RefEnter RefExit RefIdentity RefMerge RefNextIteration
RefSelect RefSwitch RemoteCall StatefulPartitionedCall StatelessIf StatelessWhile Switch
TensorListConcat TensorListConcatLists TensorListConcatV2 TensorListElementShape
TensorListFromTensor TensorListGather TensorListGetItem TensorListLength
TensorListPopBack TensorListPushBack TensorListPushBackBatch TensorListReserve
TensorListResize TensorListScatter TensorListScatterIntoExistingList TensorListScatterV2
TensorListSetItem TensorListSplit TensorListStack While
""".split()
