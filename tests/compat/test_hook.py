"""`import tensorflow` in programs of all kinds, with another TensorFlow beside."""


def test_the_ways_to_import(launcher):
    lines = launcher.output(
        """
import tensorflow as tf
import tensorflow.compat.v1 as v1
import tensorflow.keras.layers
import tensorflow_core.python.framework.ops as core_ops
from tensorflow import errors
from tensorflow.errors import NotFoundError
from tensorflow.python.framework import ops, dtypes
from tensorflow.python.framework.errors_impl import NotFoundError as Inner
from tensorflow._api.v1 import errors as api_errors
import tensorflow.python.framework.ops
print(tf.__name__, tf.__version__, tf.VERSION)
print(NotFoundError is tf.errors.NotFoundError is Inner is v1.errors.NotFoundError)
print(errors is tf.errors is api_errors, core_ops is ops)
print(tf.python.framework.ops is ops, dtypes.float32 is tf.float32)
print(ops.Graph is tf.Graph)
"""
    )
    assert lines == [
        "tensorflow 1.15.5 1.15.5",
        "True",
        "True True",
        "True True",
        "True",
    ]


def test_any_internal_module_imports(launcher):
    lines = launcher.output(
        """
import tensorflow.contrib.ignite.python.ops.ignite_dataset_ops as unprovided
import tensorflow.tools.graph_transforms
from tensorflow.python.layers import core
from tensorflow.contrib.ignite import IgniteDataset
from tensorflow.python.ops import array_ops
print(unprovided.__name__, core.__name__)
for use in (lambda: IgniteDataset(3), lambda: IgniteDataset.attribute,
            lambda: unprovided.IgniteDataset, lambda: array_ops.expand_dimz):
    try:
        use()
    except AttributeError as error:
        print(str(error).splitlines()[0])
try:
    array_ops.expand_dimz
except AttributeError as error:
    print(str(error).splitlines()[2])
print(hasattr(array_ops, "no_such_name"))
"""
    )
    module = "tensorflow.contrib.ignite.python.ops.ignite_dataset_ops"
    assert lines[0] == f"{module} tensorflow.python.layers.core"
    text = "module 'tensorflow.contrib.ignite' has no attribute 'IgniteDataset'"
    assert lines[1] == lines[2] == text
    assert lines[3] == f"module '{module}' has no attribute 'IgniteDataset'"
    assert lines[4] == (
        "module 'tensorflow.python.ops.array_ops' has no attribute 'expand_dimz'"
    )
    assert lines[5].startswith("  nearest: ") and "tf.expand_dims" in lines[5]
    assert lines[-1] == "False"


def test_a_module_that_115_lacks_is_an_import_error(launcher):
    lines = launcher.output(
        """
import importlib
for name in ("contrib.nccl", "contrib.nccl.python.ops", "python.ops.no_such_ops",
             "contrib.slim.layers", "python.no_such_package.deeper"):
    try:
        importlib.import_module("tensorflow." + name)
    except ModuleNotFoundError as error:
        print(error.name, *str(error).splitlines(), sep="|")
for name in ("contrib", "python.ops.nn_ops"):
    try:
        exec(f"from tensorflow.{name} import nonexistent")
    except ImportError as error:
        print(type(error).__name__, *str(error).splitlines(), sep="|")
from tensorflow.contrib.slim import layers  # no module there, a name
print(layers.__name__)
"""
    )
    nccl = (
        "No module named 'tensorflow.contrib.nccl'"
        "|  note: a name of older TensorFlow, not in 1.15"
        "|  fix:  tensorflow.python.ops.nccl_ops"
    )
    assert lines == [
        f"tensorflow.contrib.nccl|{nccl}",
        f"tensorflow.contrib.nccl|{nccl}",
        "tensorflow.python.ops.no_such_ops"
        "|No module named 'tensorflow.python.ops.no_such_ops'",
        "tensorflow.contrib.slim.layers"
        "|No module named 'tensorflow.contrib.slim.layers'",
        "tensorflow.python.no_such_package"
        "|No module named 'tensorflow.python.no_such_package'",
        "ImportError|cannot import name 'nonexistent' from 'tensorflow.contrib'"
        "|  note: not in TensorFlow 1.15",
        "ImportError|cannot import name 'nonexistent' from "
        "'tensorflow.python.ops.nn_ops'|  note: not in TensorFlow 1.15",
        "tensorflow.contrib.layers.python.layers.layers",
    ]


def test_a_missing_base_class_fails_when_an_instance_is_made(launcher):
    lines = launcher.output(
        """
from tensorflow.contrib.ignite import IgniteDataset
class Mine(IgniteDataset):
    pass
print(Mine.__mro__[1].__name__, isinstance(3, IgniteDataset))
try:
    Mine()
except AttributeError as error:
    print(str(error).splitlines()[0])
"""
    )
    assert lines == [
        "IgniteDataset False",
        "module 'tensorflow.contrib.ignite' has no attribute 'IgniteDataset'",
    ]


def test_public_names_are_checked_at_import(launcher):
    result = launcher.run("from tensorflow import reduce_summ")
    assert result.returncode == 1
    assert "During handling" not in result.stderr
    assert result.stderr.splitlines()[-3:] == [
        "ImportError: cannot import name 'reduce_summ' from 'tensorflow'",
        "  note: not in TensorFlow 1.15",
        "  nearest: tf.reduce_sum, tf.reduce_min, tf.reduce_max",
    ]
    result = launcher.run("import tensorflow.no_such_module")
    assert "No module named 'tensorflow.no_such_module'" in result.stderr


def test_generated_op_modules_apply_single_ops(launcher):
    lines = launcher.output(
        """
import tensorflow as tf
from tensorflow.python.ops import gen_math_ops
x = gen_math_ops.mat_mul(tf.constant([[1.0, 2.0]]), tf.constant([[3.0], [4.0]]))
print(x.op.type)
"""
    )
    assert lines == ["MatMul"]


def test_a_replaced_function_is_the_one_that_runs(launcher):
    lines = launcher.output(
        """
from tensorflow.python.lib.io import file_io
import tensorflow as tf
from retrograd.platform import files
file_io.file_exists = lambda path: "replaced"
print(files.exists("anything"))
"""
    )
    assert lines == ["replaced"]


def test_other_finders_supply_what_we_lack(launcher):
    launcher.write("tests_of_tf/helper_test_util.py", "VALUE = 7\n")
    lines = launcher.output(
        """
import importlib.util, os, sys
class Last:
    def find_spec(self, name, path=None, target=None):
        if name.endswith(".helper_test_util"):
            file = os.path.join(os.path.dirname(__file__), "tests_of_tf",
                                "helper_test_util.py")
            return importlib.util.spec_from_file_location(name, file)
sys.meta_path.append(Last())
from tensorflow.python.kernel_tests import helper_test_util
import tensorflow.python.data.kernel_tests.helper_test_util as other
print(helper_test_util.VALUE, other.VALUE)
"""
    )
    assert lines == ["7 7"]


def test_install_from_code(launcher):
    path = launcher.write(
        "own.py",
        "import retrograd\nretrograd.install()\nretrograd.install()\n"
        "import tensorflow as tf\nprint(tf.__version__)\n",
    )
    result = launcher.python(path)
    assert (result.stdout, result.stderr) == ("1.15.5\n", "")


def test_install_after_another_tensorflow(launcher):
    path = launcher.write(
        "late.py",
        "import sys, types\n"
        "sys.modules['tensorflow'] = types.ModuleType('tensorflow')\n"
        "import retrograd\nretrograd.install()\n",
    )
    result = launcher.python(path)
    assert "ImportError: Another TensorFlow is loaded already." in result.stderr
    assert "fix:  call retrograd.install() before" in result.stderr


def test_notebook_extension(launcher):
    path = launcher.write(
        "cell.py",
        "import retrograd\nretrograd.load_ipython_extension(None)\n"
        "import tensorflow\nprint(tensorflow.__version__)\n",
    )
    assert launcher.python(path).stdout == "1.15.5\n"


def test_processes_started_afresh_have_the_hook(launcher):
    lines = launcher.output(
        """
import multiprocessing
import tensorflow as tf

def child(queue):
    import tensorflow
    queue.put(tensorflow.__version__)

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=child, args=(queue,))
    process.start()
    print(queue.get())
    process.join()
    print(process.exitcode)
"""
    )
    assert lines == ["1.15.5", "0"]


def test_star_imports(launcher):
    lines = launcher.output(
        """
from tensorflow.python.framework.errors_impl import *
print(OpError.__name__)
from tensorflow import *
import builtins  # print is tf.print now
builtins.print(float32, reduce_sum.__name__, errors.NotFoundError is NotFoundError)
"""
    )
    assert lines == ["OpError", "<dtype: 'float32'> reduce_sum True"]
