"""Functions with Python's control flow that both TensorFlows must convert alike.

`tf` is set by whoever imports this. `CASES` has each function with its arguments, of
which numbers and lists become tensors; what is in `Plain` stays as it is.
"""

import collections
import functools

tf = None
CASES = []
PAIRS = zip


class Plain:
    """An argument that is handed over as it is."""

    def __init__(self, value):
        self.value = value


def case(*args, **options):
    """Add a function with arguments; `features` names optional conversions."""

    def decorated(function):
        CASES.append((function, args, options))
        return function

    return decorated


# ---------------------------------------------------------------------- branches


@case(3)
@case(-3)
def choice(x):
    if x > 0:
        y = x * 2
    else:
        y = x - 1
    return y


@case(3)
@case(-3)
def one_side(x):
    y = x
    if x > 0:
        y = y * 10
    return y


@case(5)
@case(1)
@case(-1)
def chain(x):
    if x > 3:
        y, z = 1, x
    elif x > 0:
        y, z = 2, x + x
    else:
        y, z = 3, -x
    return y, z


@case(3, 4)
@case(4, -3)
def nested(x, y):
    if x > y:
        if y > 0:
            x, y = y, x
        else:
            y = x
    return x, y


@case(3)
def of_python(x):
    found = []
    if found:
        y = "no"
    else:
        y = x
    if len(found) == 0 and y is not None:
        found.append(y)
    return found


@case(2)
@case(-2)
def branch_makes_dict(x):
    if x > 0:
        d = {"a": x, "b": [x, x + 1]}
    else:
        d = {"a": -x, "b": [x, x - 1]}
    return d["a"], d["b"]


Pair = collections.namedtuple("Pair", ["first", "second"])


@case(2)
def branch_makes_named_tuple(x):
    p = Pair(x, 1)
    if x > 1:
        p = p._replace(second=p.first * 3)
    return p.first, p.second


@case(1)
def only_dead_variables(x):
    if x > 0:
        y = x
        y += 1
    else:
        z = x
        z += 1
    return x


@case(True)
def of_bool(p):
    return 1.5 if p else 2.5


@case(3)
def conditional_expression(x):
    return (x if x > 5 else -x) if x > 1 else x * 100


@case(3)
@case(7)
@case(20)
def logic(x):
    return (x > 2 and x < 5) or not x > 9, not (x > 2 or x < 0)


@case(3)
def logic_of_python(x):
    return (x is None or 5), (0 and x), ([] or x), (1 and x)


@case(3)
def equality(x):
    if x == 3:
        return 1
    return 2


@case(3, features="EQUALITY_OPERATORS")
def equality_of_tensors(x):
    return x == 3, x != 3


# ---------------------------------------------------------------------- loops


@case(5)
def count_down(x):
    n = 0
    while x > 0:
        x -= 1
        n += 2
    return n, x


@case(27)
def collatz(x):
    steps = 0
    while x > 1:
        if x % 2 > 0:
            x = 3 * x + 1
        else:
            x = x // 2
        steps += 1
    return steps


@case(10)
def breaks(x):
    total = 0
    while x > 0:
        x -= 1
        if x < 4:
            break
        total += x
    return total, x


@case(10)
def continues(x):
    total = 0
    while x > 0:
        x -= 1
        if x % 3 > 0:
            continue
        total += x
    return total


@case(6)
def break_and_continue_in_nested_loops(n):
    total = 0
    for i in tf.range(n):
        for j in tf.range(n):
            if j > i:
                break
            if (i + j) % 2 > 0:
                continue
            total += i * j
        if i > 4:
            break
    return total


@case(4)
def over_range(n):
    total = 0
    for i in tf.range(n):
        total += i
    return total


@case(0.0, 1.0, 0.25)
@case(1.0, 0.0, -0.25)
def over_range_of_floats(a, b, c):
    total = 0.0
    for i in tf.range(a, b, c):
        total += i
    return total


@case(4)
def over_python_range(n):
    total = 0
    for i in range(4):
        total += n * i
    return total


@case(4)
def over_range_of_a_tensor(n):
    total = 0
    for i in range(n):
        total += i
    return total


@case([1, 2, 3])
def over_vector(xs):
    total = 0
    for x in xs:
        total = total * 10 + x
    return total


@case([[1, 2], [3, 4]])
def over_rows(xs):
    total = tf.zeros([2], tf.int32)
    for x in xs:
        total += x
    return total


@case([3, 1, 4, 1, 5])
def over_vector_with_break(xs):
    seen = 0
    for x in xs:
        if x > 3:
            break
        seen += 1
    return seen


@case(2)
def over_python_with_return(x):
    for i in range(5):
        if i == 3:
            return x * i
    return x


@case(2)
def loop_else(x):
    for i in [1, 2, 3]:
        if i > 5:
            break
    else:
        x = x * 7
    for i in [1, 2, 3]:
        if i > 2:
            break
    else:
        x = x * 11
    return x


@case(2)
def over_pairs(x):
    total = 0
    for i, (a, b) in enumerate(PAIRS([1, 2], [3, 4])):
        total += i * a + b * x
    for k, v in sorted({"a": 5, "b": 6}.items()):
        total += v * len(k)
    return total


@case(5)
def loop_over_structure(n):
    state = {"a": 0, "b": (1, 2)}
    while n > 0:
        state = {"a": state["a"] + n, "b": (state["b"][1], state["b"][0])}
        n -= 1
    return state["a"], state["b"]


@case(4)
def tensor_array(n):
    ta = tf.TensorArray(tf.int32, 0, dynamic_size=True)
    for i in tf.range(n):
        ta = ta.write(i, i * i)
    return ta.stack()


@case(3.0)
def derivative(x):
    y = 1.0
    i = 0
    while i < 3:
        y = y * x
        i += 1
    for _ in tf.range(2):
        if y > 1.0:
            y = y * x
    return y, tf.gradients(y, x)[0]


@case(5)
def variables_that_end_with_a_turn(x):
    while x > 0:
        half = x // 2
        square = half * half
        x -= 1 + square * 0
    return x


@case(3)
def iterate_is_kept(n):
    i = -1
    for i in tf.range(10):
        if i > n:
            break
    return i


# ---------------------------------------------------------------------- returns


@case(1)
@case(-1)
def early_return(x):
    if x > 0:
        return x
    return x * 2


@case(1)
@case(-5)
@case(-1)
def returns_everywhere(x):
    if x > 0:
        return 1
    elif x < -1:
        x += 1
        if x < -3:
            return x
        x += 100
    else:
        return 3
    return x * 2


@case(1)
def returns_in_with(x):
    with tf.name_scope("here"):
        if x > 0:
            return x + 1
        y = x
    return y


@case(1)
def returns_in_try(x):
    log = []
    try:
        if len(log) == 0:
            return x + len(log)
        log.append(1)
    except ValueError:
        return x
    else:
        log.append(2)
    finally:
        log.append(3)
    return x * len(log)


@case(1)
def returns_nothing(x):
    if x is None:
        return 3


@case(5)
def returns_list(x):
    if x > 3:
        return [x, x]
    else:
        return [x, -x]


# ---------------------------------------------------------------------- functions


def helper(x, scale=2, *rest, **options):
    if x > 0:
        return x * scale + len(rest) + options.get("more", 0)
    return x


@case(3)
def calls(x):
    return helper(x), helper(x, 3, 4, 5, more=x), helper(*[x, 4], **{"more": 1})


@case(3)
def calls_partial(x):
    f = functools.partial(helper, scale=5)
    return f(x), functools.partial(f, -x)()


def factorial(n):
    if n <= 1:
        return 1
    return n * factorial(n - 1)


@case(2)
def recursion(x):
    return factorial(5) * x


@case(2)
def closures(x):
    calls = []

    def inner(y, z=x):
        calls.append(1)
        if y > z:
            return y
        return z * 10

    return inner(x), inner(x + 1), inner(1, 0), len(calls)


@case(2)
def nonlocal_variable(x):
    n = 0

    def more():
        nonlocal n
        n += 1
        return n

    more()
    if x > 1:
        x = x + more()
    return x, n


@case(-2)
def lambdas(x):
    f = lambda a: a if a > 0 else -a  # noqa: E731
    pair = (lambda a: a + 1, lambda a, b=3: a * b if a > 0 else b)
    return f(x), pair[0](x), pair[1](x)


@case([1, 2, 3])
def function_for_map(xs):
    return tf.map_fn(lambda v: v if v > 1 else -v, xs)


def twice(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(function(*args))

    return wrapper


@twice
def decorated(x):
    if x > 0:
        return x * 3
    return x


@case(2)
def calls_decorated(x):
    return decorated(x)


class Base:
    def __init__(self):
        self.k = 2
        self.__hidden = 5

    def method(self, x):
        if x > 0:
            return x * self.k
        return x

    def private(self, x):
        if x > 0:
            return x * self.__hidden
        return x

    def __call__(self, x):
        return self.method(x)

    @property
    def doubled(self):
        return self.k * 2

    @staticmethod
    def static(x):
        return x if x > 0 else -x

    @classmethod
    def of_class(cls, x):
        if x > 0:
            return x + 1
        return x


class Derived(Base):
    def method(self, x):
        if x > 1:
            return super().method(x) + 100
        return super().method(x)


@case(3)
def methods(x):
    b = Base()
    return b.method(x), b(x), b.doubled, b.of_class(x), Base.method(b, x)


@case(3)
def private_names(x):
    return Base().private(x)


@case(-3)
def static_method(x):
    return Base.static(x)


@case(3)
def inherited(x):
    return Derived()(x)


@case(3)
def attributes(x):
    b = Base()
    if x > 0:
        b.k = x
    while x > 0:
        b.k += x
        x -= 1
    return b.k


@case(3)
def items(x):
    d = {"a": 1, 2: 5}
    if x > 0:
        d["a"] = x
    while x > 0:
        d[2] += x
        x -= 1
    return d["a"], d[2]


@case(3)
def comprehensions(x):
    rows = [factorial(i) * x for i in range(4) if i > 1]
    return rows, sum(i for i in [1, 2]), {k: v for k, v in [("a", x)]}["a"]


def numbers(n):
    for i in range(n):
        if i % 2 == 0:
            yield i


@case(3)
def generators(x):
    total = x
    for i in numbers(5):
        total += i
    return total


@case(3)
def not_converted(x):
    with_mark = tf.autograph.experimental.do_not_convert(lambda y: y + 1)
    return with_mark(x)


@case([3, 4])
def builtins(x):
    return len(x), int(x[0]), float(x[1]), abs(-x), range(x[0]), max(1, 2)


@case(2.75)
def numbers_of_strings(x):
    return int(x), int("3"), float("1.5"), float(x), int("ff", 16)


@case(3)
def deletes(x):
    y = x
    if x > 0:
        y = y + 1
    z = y
    del y
    return z


@case(3)
def side_effects(x):
    if not hasattr(side_effects, "variable"):
        side_effects.variable = tf.Variable(1)
    v = side_effects.variable
    if x > 0:
        v.assign_add(x)
    for i in tf.range(x):
        v.assign(v * 2 + i)
    return v.read_value()


# ---------------------------------------------------------------------- optional


@case(3, features="ALL")
def all_features(x):
    assert x > 1, "small"
    total = [0]
    total[0] = 3
    return x == 3, total[0], tf.range(x)


@case(3, features="ASSERT_STATEMENTS")
def failing_assertion(x):
    assert x > 5, "small"
    return x


@case(3, features="LISTS")
def list_in_loop(x):
    items = []
    tf.contrib.autograph.set_element_type(items, tf.int32, ())
    for i in tf.range(x):
        items.append(i * i)
        x += 0
    last = items.pop()
    return tf.contrib.autograph.stack(items), last


@case(3, features="LISTS")
def list_without_type(x):
    items = []
    for i in tf.range(x):
        items.append(i)
        x += 0
    return tf.stack(items)


@case([1, 2, 3], features="LISTS")
def tensor_items(x):
    x[1] = 7
    return x, x[0]


# ---------------------------------------------------------------------- errors


@case(1)
def undefined_in_else(x):
    if x > 0:
        y = x
    return y


@case(1)
def undefined_in_if(x):
    if x > 0:
        pass
    else:
        y = x
    return y


@case(1)
def return_on_one_side(x):
    if x > 0:
        return x


@case(3)
def undefined_before_while(x):
    while x > 0:
        y = x
        x -= 1
    return y


@case(3)
def undefined_before_for(x):
    for i in tf.range(x):
        x += i * 0
    return i, x


@case(3)
def never_defined(x):
    if False:
        y = 1
    return y + 1


@case(3)
def none_in_loop(x):
    y = None
    while x > 0:
        y = x
        x -= 1
    return y


@case(3)
def none_in_branch(x):
    y = None
    if x > 0:
        y = x
    return y


@case(3)
def dtypes_of_branches(x):
    if x > 0:
        y = 1
    else:
        y = 2.0
    return y


@case(3)
def dtype_of_loop(x):
    y = 1
    while x > 0:
        y = tf.cast(y, tf.float32)
        x -= 1
    return y


@case(3)
def shape_of_loop(x):
    y = tf.zeros([1])
    while x > 0:
        y = tf.concat([y, y], 0)
        x -= 1
    return y


@case(3)
def structures_of_branches(x):
    if x > 0:
        y = [1, 2]
    else:
        y = 2
    return y


@case(3)
def structure_of_loop(x):
    y = 1
    while x > 0:
        y = (y, y)
        x -= 1
    return y


@case(3)
def return_in_while(x):
    while x > 0:
        x -= 1
        if x < 2:
            return x
    return x


@case(3)
def return_in_for(x):
    for i in tf.range(5):
        if i > x:
            return x * i
    return x


@case(3)
def raises(x):
    if x > 0:
        raise ValueError("no good")
    return x


@case(3)
def raises_index_error(x):
    return [x][3]


@case(3)
def raises_key_error(x):
    return {}["k"]


class OwnError(Exception):
    pass


class OwnErrorOfTwo(Exception):
    def __init__(self, a, b):
        super().__init__(a + b)


@case(3)
def raises_own(x):
    raise OwnError("mine")


@case(3)
def raises_own_of_two(x):
    raise OwnErrorOfTwo("mi", "ne")


def wrong(x):
    return x + "a"


@case(3)
def raises_in_call(x):
    return wrong(x)


@case(3)
def assertion_of_a_tensor(x):
    assert x > 5, "small"
    return x


@case(3)
def condition_becomes_a_tensor(x):
    n = 0
    while True:
        n += 1
        if x < 0:
            break
        x -= 1
    return n


@case(3)
def iterates_scalar(x):
    total = 0
    for i in x:
        total += i
    return total


@case(3)
def missing_attribute(x):
    b = Base()
    if x > 0:
        b.new = x
    return x


@case(3)
def not_converted_branch(x):
    @tf.autograph.experimental.do_not_convert
    def inner(y):
        if y > 0:
            return y
        return -y

    return inner(x)


@case(3)
def iterates_zip(x):
    total = 0
    for a, b in PAIRS(tf.range(x), tf.range(x)):
        total += a * b
    return total


@case(4)
def list_leaves_loop(x):
    found = []
    for i in tf.range(x):
        found.append(i)
        x += 0
    return found


# ---------------------------------------------------------------------- datasets


@case(2)
def sum_of_dataset(x):
    total = tf.cast(x, tf.int64)
    for v in tf.data.Dataset.range(5):
        total += v
    return total


@case(0)
def empty_dataset(x):
    for v in tf.data.Dataset.range(0):
        x += tf.cast(v, tf.int32) + 1
    return x


@case(3)
def jumps_out_of_dataset(x):
    total = tf.constant(0, tf.int64)
    for v in tf.data.Dataset.range(10):
        if v % 2 == 0:
            continue
        if v > 6:
            break
        total += v * tf.cast(x, tf.int64)
    return total


@case(3)
def returns_from_dataset(x):
    for v in tf.data.Dataset.range(10):
        if tf.cast(v, tf.int32) > x:
            return v
    return tf.constant(-1, tf.int64)


@case([1, 2, 3], [4, 5, 6])
def pairs_of_dataset(x, y):
    total = 0
    for a, b in tf.data.Dataset.from_tensor_slices((x, y)):
        total += a * b
    return total


@case([1, 2, 3], [4, 5, 6])
def numbered_dataset(x, y):
    total = tf.constant(0, tf.int64)
    first = tf.data.Dataset.from_tensor_slices(x)
    for i, (a, b) in enumerate(PAIRS(first, tf.data.Dataset.from_tensor_slices(y))):
        total += i * tf.cast(a * b, tf.int64)
    return total


@case([1, 2, 3], [4, 5, 6])
def dictionaries_of_dataset(x, y):
    total = 0
    for both in tf.data.Dataset.from_tensor_slices({"x": x, "y": (y, x)}):
        total += both["x"] * 10 + both["y"][0] - both["y"][1]
    return total


@case([1, 2, 3, 4, 5])
def batches_of_dataset(x):
    total = 0
    for rows in tf.data.Dataset.from_tensor_slices(x).batch(2):
        total = total * 10 + tf.reduce_sum(rows)
    return total


@case(5)
def dataset_of_datasets(x):
    total = tf.constant(0, tf.int64)
    for window in tf.data.Dataset.range(5).window(2):
        total *= 10
        for v in window:
            total += v + tf.cast(x, tf.int64)
    return total


@case(2)
def dataset_in_loop(x):
    total = tf.constant(0, tf.int64)
    for _ in tf.range(x):
        for v in tf.data.Dataset.range(4):
            total += v
    return total


@case([0.0, 2.0, 3.0])
def sparse_in_dataset(x):
    total = 0.0
    sparse = tf.SparseTensor([[0, 0], [1, 1], [1, 2]], x + 1.0, [2, 3])
    for row in tf.data.Dataset.from_tensor_slices(sparse):
        total = total * 10.0 + tf.reduce_sum(tf.sparse.to_dense(row))
    return total


@case(3)
def iterator_of_dataset(x):
    places = iter(tf.data.Dataset.range(8))
    total = next(places) + tf.cast(x, tf.int64)
    for v in places:
        if v > 4:
            break
        total += v
    return total, next(places)


@case(4)
def loop_in_map(x):
    def doubled(v):
        total = v
        for i in tf.range(v):
            if i % 2 == 0:
                continue
            total += i
        while total > 6:
            total -= 5
        return total

    total = tf.cast(x, tf.int64)
    for v in tf.data.Dataset.range(6).map(doubled):
        total = total * 10 + v
    return total


@case(4)
def dataset_in_map(x):
    def below(v):
        total = tf.cast(x, tf.int64)
        for w in tf.data.Dataset.range(v):
            if w == 2:
                continue
            total += w
        return total

    places = iter(tf.data.Dataset.range(6).map(below).batch(6))
    return next(places)


@case(4)
def dataset_in_reduce(x):
    def step(state, v):
        for w in tf.data.Dataset.range(v):
            state += w
        return state

    first = tf.cast(x, tf.int64)
    return tf.data.Dataset.range(5).reduce(first, step)


@case(2)
def check_in_map(x):
    def checked(v):
        tf.debugging.assert_less(v, tf.cast(x, tf.int64), message="too large")
        return v

    places = iter(tf.data.Dataset.range(4).map(checked))
    return next(places), next(places), next(places)
