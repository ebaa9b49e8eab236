"""What converted code calls: `ag__`."""

from __future__ import annotations

import builtins

from retrograd.autograph import (
    branches,
    calls,
    checks,
    conversion,
    lists,
    logic,
    loops,
    state,
)
from retrograd.autograph import undefined as unset

conversion.OPERATORS.__dict__.update(
    FunctionScope=calls.FunctionScope,
    Undefined=unset.Undefined,
    UndefinedReturnValue=unset.UndefinedReturnValue,
    and_=logic.and_,
    artifact=calls.artifact,
    assert_stmt=checks.assert_stmt,
    call=calls.call,
    dict=builtins.dict,
    eq=logic.eq,
    for_stmt=loops.for_stmt,
    if_exp=branches.if_exp,
    if_stmt=branches.if_stmt,
    in_scope=calls.in_scope,
    get_item=lists.get_item,
    ldu=state.ldu,
    list_append=lists.list_append,
    list_pop=lists.list_pop,
    list_stack=lists.list_stack,
    new_list=lists.new_list,
    set_item=lists.set_item,
    not_=logic.not_,
    not_eq=logic.not_eq,
    or_=logic.or_,
    retval=unset.retval,
    while_stmt=loops.while_stmt,
)
OPERATORS = conversion.OPERATORS
