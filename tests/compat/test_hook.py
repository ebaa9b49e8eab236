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
import tensorflow.contrib.nccl.python.ops.nccl_ops
import tensorflow.contrib.no_such_package.deeper as deeper
import tensorflow.tools.graph_transforms
from tensorflow.python.layers import core, no_such_name
from tensorflow.contrib.framework.python.ops import no_such_function
from tensorflow.python.ops import array_ops
print(deeper.__name__, core.__name__)
for use in (lambda: no_such_function(3), lambda: no_such_name.attribute,
            lambda: deeper.anything, lambda: array_ops.expand_dimz):
    try:
        use()
    except AttributeError as error:
        print(error)
print(hasattr(array_ops, "no_such_name"))
"""
    )
    assert lines[0] == (
        "tensorflow.contrib.no_such_package.deeper tensorflow.python.layers.core"
    )
    assert lines[1] == (
        "module 'tensorflow.contrib.framework.python.ops' has no attribute "
        "'no_such_function'"
    )
    assert "module 'tensorflow.python.layers' has no attribute 'no_such_name'" in lines
    assert (
        "module 'tensorflow.contrib.no_such_package.deeper' has no attribute 'anything'"
    ) in lines
    hint = lines[
        lines.index(
            "module 'tensorflow.python.ops.array_ops' has no attribute 'expand_dimz'"
        )
        + 1
    ]
    assert hint.startswith("  nearest: ") and "tf.expand_dims" in hint
    assert lines[-1] == "False"


def test_a_missing_base_class_fails_when_an_instance_is_made(launcher):
    lines = launcher.output(
        """
from tensorflow.contrib.opt import NoSuchOptimizer
class Mine(NoSuchOptimizer):
    pass
print(Mine.__mro__[1].__name__, isinstance(3, NoSuchOptimizer))
try:
    Mine()
except AttributeError as error:
    print(str(error).splitlines()[0])
"""
    )
    assert lines == [
        "NoSuchOptimizer False",
        "module 'tensorflow.contrib.opt' has no attribute 'NoSuchOptimizer'",
    ]


def test_public_names_are_checked_at_import(launcher):
    result = launcher.run("from tensorflow import reduce_summ")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-2:] == [
        "ImportError: cannot import name 'reduce_summ' from 'tensorflow'",
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
