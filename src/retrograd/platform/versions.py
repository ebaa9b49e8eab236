"""The versions a program may ask `tf` for, those of TensorFlow 1.15.5; and our own."""

#: the version of retrograd: the package's metadata are made from this line
RELEASE = "0.1.0"

VERSION = __version__ = "1.15.5"
GIT_VERSION = __git_version__ = "v1.15.4-39-g3db52be"
COMPILER_VERSION = __compiler_version__ = "7.3.1 20180303"
CXX11_ABI_FLAG = __cxx11_abi_flag__ = 0
MONOLITHIC_BUILD = __monolithic_build__ = 0
GRAPH_DEF_VERSION = 134
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
