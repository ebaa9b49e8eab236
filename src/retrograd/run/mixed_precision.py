"""Whether sessions are asked to compute in 16-bit numbers where that is safe.

`tf.train.experimental.enable_mixed_precision_graph_rewrite` asks. TensorFlow rewrites
the part of a graph that runs on GPUs; what runs on the host keeps its types, there and
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrograd.util import protos

if TYPE_CHECKING:
    from retrograd.typing import Message

#: whether it is asked for
mixed_precision_graph_rewrite_is_enabled = False
#: whether there has been a session that was not asked
non_mixed_precision_session_created = False
#: whether no policy was set that says in which types layers compute
using_default_mixed_precision_policy = True

#: RewriterConfig.Toggle
_ON, _OFF = 1, 2


def session_config(config: Message | None) -> Any:
    """The ConfigProto of a session that was given `config`, a ConfigProto or None."""
    global non_mixed_precision_session_created
    asked = 0
    if config is not None:
        asked = config.graph_options.rewrite_options.auto_mixed_precision
    if mixed_precision_graph_rewrite_is_enabled and asked != _OFF:
        changed = protos.message("config.ConfigProto")()
        if config is not None:
            changed.CopyFrom(config)
        changed.graph_options.rewrite_options.auto_mixed_precision = _ON
        return changed
    if asked != _ON:
        non_mixed_precision_session_created = True
    return config
