"""Text, logging, flags and data files, as TensorFlow 1 programs use them."""

import pathlib

import pytest

from retrograd.platform import resources, text


def test_text():
    assert text.as_bytes("é") == "é".encode() == text.as_bytes(bytearray("é".encode()))
    assert text.as_text("é".encode()) == "é" == text.as_str("é")
    assert text.as_str_any(3) == "3" and text.as_str_any(b"x") == "x"
    assert text.path_to_str(pathlib.Path("a/./b")) == "a/b"
    assert text.path_to_str(3) == 3
    with pytest.raises(TypeError, match="Expected binary or unicode string, got 3"):
        text.as_bytes(3)
    with pytest.raises(TypeError, match="Expected binary or unicode string, got None"):
        text.as_text(None)


def test_data_files_lie_beside_the_script():
    here = str(pathlib.Path(__file__).parent)
    assert resources.get_data_files_path() == here
    assert resources.get_path_to_datafile("x.txt") == here + "/x.txt"
    assert resources.get_root_dir_with_all_resources() == here
    assert resources.load_resource("behavior.py").startswith(b'"""')


LOGGING = """
import tensorflow as tf
log = tf.logging
print(log.get_verbosity() == log.WARN)
log.info("unseen")
log.warning("seen %d", 1)
log.set_verbosity(log.INFO)
log.info("seen %s", "too")
for i in range(5):
    log.log_every_n(log.INFO, "every %d", 2, i)
    log.log_first_n(log.INFO, "first %d", 2, i)
log.log_if(log.INFO, "no", False)
"""


def test_logging(launcher):
    result = launcher.run(LOGGING)
    assert result.stdout == "True\n"
    assert result.stderr.splitlines() == [
        "WARNING:tensorflow:seen 1",
        "INFO:tensorflow:seen too",
        "INFO:tensorflow:every 0",
        "INFO:tensorflow:first 0",
        "INFO:tensorflow:first 1",
        "INFO:tensorflow:every 2",
        "INFO:tensorflow:every 4",
    ]


def test_logging_that_the_program_has_set_up(launcher):
    result = launcher.run(
        "import logging\n"
        "logging.basicConfig(format='%(module)s %(funcName)s %(message)s')\n"
        "import tensorflow as tf\n"
        "def f(): tf.logging.error('once')\n"
        "f()\n"
    )
    assert result.stderr == "program f once\n"


def test_logging_that_the_program_sets_up_later_comes_beside(launcher):
    result = launcher.run(
        "import tensorflow as tf, logging\n"
        "logging.basicConfig(format='%(module)s %(message)s')\n"
        "tf.logging.error('twice')\n"
    )
    assert result.stderr == "ERROR:tensorflow:twice\nprogram twice\n"


FLAGS = """
import sys
import tensorflow as tf
flags = tf.app.flags
flags.DEFINE_string("name", "me", "who")
flags.DEFINE_integer(flag_name="count", default_value=3, docstring="how often")
tf.flags.DEFINE_boolean("loud", False, "how loud")
FLAGS = tf.flags.FLAGS
def main(argv):
    print(argv[1:], FLAGS.name, FLAGS.count, FLAGS["loud"].value, "name" in FLAGS)
    return 5
if __name__ == "__main__":
    tf.app.run()
"""


def test_flags_and_app(launcher):
    result = launcher.run(FLAGS, "--name=you", "--loud", "rest", "--", "--not_a_flag")
    assert result.returncode == 5
    assert result.stdout == "['rest', '--', '--not_a_flag'] you 3 True True\n"
    assert "flag_name, default_value, docstring) is deprecated" in result.stderr


def test_reading_a_flag_parses_the_command_line(launcher):
    program = FLAGS + "print(FLAGS.count)"
    program = program.replace("    tf.app.run()", "    FLAGS.count += 1")
    assert launcher.run(program, "--count=6").stdout == "7\n"


def test_app_run_leaves_unknown_flags_to_the_program(launcher):
    result = launcher.run(
        "import tensorflow as tf\ndef main(argv): print(argv[1:])\ntf.app.run(main)\n",
        "--unknown=3",
    )
    assert (result.returncode, result.stdout) == (0, "['--unknown=3']\n")


def test_help_belongs_to_the_program(launcher):
    result = launcher.run(FLAGS, "--help")
    assert "program.py:" in result.stdout + result.stderr
    assert "who" in result.stdout + result.stderr
