// Runs a listing of array primitives (JAX's, by name) on flat arrays of numbers.

/** Results are rounded to their dtype after each primitive, sums after all terms. */
const ROUND = {
  float32: Math.fround,
  float64: (v) => v,
  int32: (v) => v | 0,
  int64: (v) => Math.trunc(v),
  uint8: (v) => v & 255,
  uint32: (v) => v >>> 0,
  bool: (v) => (v ? 1 : 0),
};

/**
 * The outputs of a listing.
 *
 * @param {{constants: object[], equations: Array[], outputs: number[]}} listing
 * @param {object[]} inputs arrays `{shape, dtype, data}`
 */
function evaluate(listing, inputs) {
  const known = [...inputs, ...listing.constants].map(asNumbers);
  for (const [primitive, parameters, given, made] of listing.equations) {
    const outputs = made.map(([shape, dtype]) => ({ shape, dtype, data: [] }));
    const run = PRIMITIVES[primitive];
    run(outputs, parameters, ...given.map((i) => known[i]));
    for (const output of outputs) {
      output.data = output.data.map(ROUND[output.dtype]);
      known.push(output);
    }
  }
  return listing.outputs.map((i) => known[i]);
}

/** The primitives of a listing that `evaluate` does not have. */
function missing(listing) {
  return [...new Set(listing.equations.map(([name]) => name))].filter(
    (name) => !(name in PRIMITIVES),
  );
}

function asNumbers({ shape, dtype, data }) {
  return { shape, dtype, data: data.map(Number) };
}

// ------------------------------------------------------------------ indices

function product(sizes) {
  return sizes.reduce((a, b) => a * b, 1);
}

function stridesOf(shape) {
  const strides = new Array(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i -= 1)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i] * b[i];
  return sum;
}

/** Call `visit(index, flat)` for every index of a shape, the last axis fastest. */
function each(shape, visit) {
  const index = new Array(shape.length).fill(0);
  const count = product(shape);
  for (let flat = 0; flat < count; flat += 1) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis] += 1;
      if (index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

/** A primitive whose every output element is one element of its input. */
function rearranged(source) {
  return ([out], parameters, x) => {
    const strides = stridesOf(x.shape);
    each(out.shape, (index, flat) => {
      out.data[flat] = x.data[dot(source(index, parameters, x, out), strides)];
    });
  };
}

// ------------------------------------------------------------------ by element

function unary(f) {
  return ([out], _, x) => {
    out.data = x.data.map(f);
  };
}

/** Elements of `x` as if it had `shape`: what has one element along an axis repeats. */
function spread(x, shape) {
  if (x.data.length === product(shape)) return x.data;
  if (x.data.length === 1) return new Array(product(shape)).fill(x.data[0]);
  const strides = stridesOf(x.shape).map((s, i) => (x.shape[i] === 1 ? 0 : s));
  const data = [];
  each(shape, (index) => data.push(x.data[dot(index, strides)]));
  return data;
}

function binary(f) {
  return ([out], _, x, y) => {
    const [xs, ys] = [spread(x, out.shape), spread(y, out.shape)];
    out.data = xs.map((v, i) => f(v, ys[i], out));
  };
}

function truth(f) {
  return binary((x, y) => (f(x, y) ? 1 : 0));
}

const isWhole = (out) => out.dtype.includes("int");

function times(x, y, out) {
  return out.dtype === "int32" ? Math.imul(x, y) : x * y;
}

function quotient(x, y, out) {
  return isWhole(out) ? Math.trunc(x / y) : x / y;
}

function toEven(x) {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

// ------------------------------------------------------------------ reductions

function reduction(start, step) {
  return ([out], { axes }, x) => {
    const strides = stridesOf(out.shape);
    const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
    out.data = new Array(product(out.shape)).fill(start);
    each(x.shape, (index, flat) => {
      const place = dot(
        kept.map((i) => index[i]),
        strides,
      );
      out.data[place] = step(out.data[place], x.data[flat]);
    });
  };
}

function best(better) {
  return ([out], { axes: [axis] }, x) => {
    const strides = stridesOf(x.shape);
    const rest = x.shape.filter((_, i) => i !== axis);
    each(rest, (index, flat) => {
      const first = [...index.slice(0, axis), 0, ...index.slice(axis)];
      const start = dot(first, strides);
      let found = 0;
      for (let i = 1; i < x.shape[axis]; i += 1) {
        const [a, b] = [
          x.data[start + i * strides[axis]],
          x.data[start + found * strides[axis]],
        ];
        if (better(a, b) || (Number.isNaN(a) && !Number.isNaN(b))) found = i;
      }
      out.data[flat] = found;
    });
  };
}

function cumulative(start, step) {
  return ([out], { axis, reverse }, x) => {
    const strides = stridesOf(x.shape);
    const size = x.shape[axis];
    each(
      x.shape.map((n, i) => (i === axis ? 1 : n)),
      (index) => {
        const at = dot(index, strides);
        let sum = start;
        for (let i = 0; i < size; i += 1) {
          const place = at + (reverse ? size - 1 - i : i) * strides[axis];
          sum = step(sum, x.data[place]);
          out.data[place] = sum;
        }
      },
    );
  };
}

// ------------------------------------------------------------------ linear algebra

function dotGeneral([out], { dimension_numbers: [[lc, rc], [lb, rb]] }, x, y) {
  const [sx, sy] = [stridesOf(x.shape), stridesOf(y.shape)];
  const free = (a, c, b) =>
    a.shape.map((_, i) => i).filter((i) => !c.includes(i) && !b.includes(i));
  const [lf, rf] = [free(x, lc, lb), free(y, rc, rb)];
  const inner = lc.map((axis) => x.shape[axis]);
  each(out.shape, (index, flat) => {
    let [atX, atY] = [0, 0];
    lb.forEach((axis, i) => (atX += index[i] * sx[axis]));
    rb.forEach((axis, i) => (atY += index[i] * sy[axis]));
    lf.forEach((axis, i) => (atX += index[lb.length + i] * sx[axis]));
    rf.forEach((axis, i) => (atY += index[lb.length + lf.length + i] * sy[axis]));
    let sum = 0;
    each(inner, (k) => {
      let [px, py] = [atX, atY];
      for (let i = 0; i < k.length; i += 1) {
        px += k[i] * sx[lc[i]];
        py += k[i] * sy[rc[i]];
      }
      sum += x.data[px] * y.data[py];
    });
    out.data[flat] = sum;
  });
}

function convolution([out], parameters, x, w) {
  const { lhs_spec: ls, rhs_spec: rs, out_spec: os } = parameters.dimension_numbers;
  const { window_strides, padding, lhs_dilation, rhs_dilation } = parameters;
  const groups = parameters.feature_group_count;
  const batches = parameters.batch_group_count;
  const [sx, sw] = [stridesOf(x.shape), stridesOf(w.shape)];
  const window = rs.slice(2).map((axis) => w.shape[axis]);
  const depth = w.shape[rs[1]];
  const share = w.shape[rs[0]] / groups / batches;
  each(out.shape, (index, flat) => {
    const feature = index[os[1]];
    const group = Math.floor(feature / share);
    const first = groups > 1 ? group * depth : 0;
    const batch = index[os[0]] + (batches > 1 ? group * out.shape[os[0]] : 0);
    let sum = 0;
    each(window, (k) => {
      let atX = batch * sx[ls[0]] + first * sx[ls[1]];
      let atW = feature * sw[rs[0]];
      for (let i = 0; i < k.length; i += 1) {
        const place =
          index[os[i + 2]] * window_strides[i] - padding[i][0] + k[i] * rhs_dilation[i];
        const axis = ls[i + 2];
        if (place < 0 || place % lhs_dilation[i]) return;
        if (place / lhs_dilation[i] >= x.shape[axis]) return;
        atX += (place / lhs_dilation[i]) * sx[axis];
        atW += k[i] * sw[rs[i + 2]];
      }
      for (let c = 0; c < depth; c += 1) {
        sum += x.data[atX + c * sx[ls[1]]] * w.data[atW + c * sw[rs[1]]];
      }
    });
    out.data[flat] = sum;
  });
}

// ------------------------------------------------------------------ gather, scatter

/** Where a slice begins, out of a row of start indices; null if it is left out. */
function beginning(starts, map, shape, sizes, mode) {
  const at = new Array(shape.length).fill(0);
  map.forEach((axis, i) => (at[axis] = starts[i]));
  for (let axis = 0; axis < shape.length; axis += 1) {
    const last = shape[axis] - sizes[axis];
    if (mode === "CLIP") at[axis] = Math.min(Math.max(at[axis], 0), last);
    else if (at[axis] < 0 || at[axis] > last) return null;
  }
  return at;
}

function startsOf(indices, batch) {
  const width = indices.shape.at(-1);
  const start = dot(batch, stridesOf(indices.shape).slice(0, -1));
  return indices.data.slice(start, start + width);
}

function gather([out], parameters, x, indices) {
  const numbers = parameters.dimension_numbers;
  const { offset_dims: offset, collapsed_slice_dims: collapsed } = numbers;
  const { operand_batching_dims: own = [], start_indices_batching_dims: their = [] } =
    numbers;
  const sizes = parameters.slice_sizes;
  const strides = stridesOf(x.shape);
  const inside = x.shape
    .map((_, i) => i)
    .filter((i) => !collapsed.includes(i) && !own.includes(i));
  const outer = out.shape.map((_, i) => i).filter((i) => !offset.includes(i));
  each(out.shape, (index, flat) => {
    const batch = outer.map((i) => index[i]);
    const starts = startsOf(indices, batch);
    const at = beginning(
      starts,
      numbers.start_index_map,
      x.shape,
      sizes,
      parameters.mode,
    );
    if (at === null) {
      out.data[flat] = Number(parameters.fill_value ?? (isWhole(out) ? 0 : NaN));
      return;
    }
    own.forEach((axis, i) => (at[axis] = batch[their[i]]));
    inside.forEach((axis, i) => (at[axis] += index[offset[i]]));
    out.data[flat] = x.data[dot(at, strides)];
  });
}

function scatter(combine) {
  return ([out], parameters, x, indices, updates) => {
    const numbers = parameters.dimension_numbers;
    const { update_window_dims: window, inserted_window_dims: inserted } = numbers;
    const {
      operand_batching_dims: own = [],
      scatter_indices_batching_dims: their = [],
    } = numbers;
    const map = numbers.scatter_dims_to_operand_dims;
    const strides = stridesOf(x.shape);
    const inside = x.shape
      .map((_, i) => i)
      .filter((i) => !inserted.includes(i) && !own.includes(i));
    const outer = updates.shape.map((_, i) => i).filter((i) => !window.includes(i));
    const sizes = x.shape.map(() => 1);
    inside.forEach((axis, i) => (sizes[axis] = updates.shape[window[i]]));
    out.data = [...x.data];
    each(updates.shape, (index, flat) => {
      const batch = outer.map((i) => index[i]);
      const at = beginning(
        startsOf(indices, batch),
        map,
        x.shape,
        sizes,
        parameters.mode,
      );
      if (at === null) return;
      own.forEach((axis, i) => (at[axis] = batch[their[i]]));
      inside.forEach((axis, i) => (at[axis] += index[window[i]]));
      const place = dot(at, strides);
      out.data[place] = combine(out.data[place], updates.data[flat]);
    });
  };
}

function pad([out], { padding_config: config }, x, filler) {
  const strides = stridesOf(out.shape);
  out.data = new Array(product(out.shape)).fill(filler.data[0]);
  each(x.shape, (index, flat) => {
    const at = index.map((i, axis) => config[axis][0] + i * (config[axis][2] + 1));
    if (at.every((i, axis) => i >= 0 && i < out.shape[axis])) {
      out.data[dot(at, strides)] = x.data[flat];
    }
  });
}

function concatenate([out], { dimension }, ...parts) {
  const strides = stridesOf(out.shape);
  let start = 0;
  for (const part of parts) {
    each(part.shape, (index, flat) => {
      out.data[dot(index, strides) + start * strides[dimension]] = part.data[flat];
    });
    start += part.shape[dimension];
  }
}

function stack([out], { axis }, ...parts) {
  const strides = stridesOf(out.shape);
  parts.forEach((part, i) => {
    each(part.shape, (index, flat) => {
      const at = [...index.slice(0, axis), i, ...index.slice(axis)];
      out.data[dot(at, strides)] = part.data[flat];
    });
  });
}

function split(outputs, { axis }, x) {
  const strides = stridesOf(x.shape);
  let start = 0;
  for (const out of outputs) {
    each(out.shape, (index, flat) => {
      out.data[flat] = x.data[dot(index, strides) + start * strides[axis]];
    });
    start += out.shape[axis];
  }
}

function dynamicSlice([out], { slice_sizes: sizes }, x, ...starts) {
  const strides = stridesOf(x.shape);
  const at = starts.map((s, i) =>
    Math.min(Math.max(s.data[0], 0), x.shape[i] - sizes[i]),
  );
  each(out.shape, (index, flat) => {
    out.data[flat] =
      x.data[
        dot(
          index.map((i, axis) => i + at[axis]),
          strides,
        )
      ];
  });
}

function dynamicUpdateSlice([out], _, x, part, ...starts) {
  const strides = stridesOf(x.shape);
  const at = starts.map((s, i) =>
    Math.min(Math.max(s.data[0], 0), x.shape[i] - part.shape[i]),
  );
  out.data = [...x.data];
  each(part.shape, (index, flat) => {
    out.data[
      dot(
        index.map((i, axis) => i + at[axis]),
        strides,
      )
    ] = part.data[flat];
  });
}

/** Orders slices along an axis by the first `keys` operands; equal ones stay so. */
function sort(outputs, { dimension, num_keys: keys }, ...parts) {
  const { shape } = parts[0];
  const strides = stridesOf(shape);
  each(
    shape.map((n, i) => (i === dimension ? 1 : n)),
    (index) => {
      const start = dot(index, strides);
      const place = (i) => start + i * strides[dimension];
      const order = Array.from({ length: shape[dimension] }, (_, i) => i);
      order.sort((a, b) => {
        for (let k = 0; k < keys; k += 1) {
          const [x, y] = [parts[k].data[place(a)], parts[k].data[place(b)]];
          if (x !== y) return Number.isNaN(y) || x < y ? -1 : 1;
        }
        return a - b;
      });
      outputs.forEach((out, o) => {
        order.forEach((from, to) => (out.data[place(to)] = parts[o].data[place(from)]));
      });
    },
  );
}

function topK([values, indices], { k }, x) {
  const size = x.shape.at(-1);
  for (let start = 0; start < x.data.length; start += size) {
    const order = Array.from({ length: size }, (_, i) => i);
    order.sort((a, b) => x.data[start + b] - x.data[start + a] || a - b);
    for (const i of order.slice(0, k)) {
      values.data.push(x.data[start + i]);
      indices.data.push(i);
    }
  }
}

function selectCase([out], _, which, ...cases) {
  const chosen = spread(which, out.shape);
  const values = cases.map((c) => spread(c, out.shape));
  out.data = chosen.map((c, i) => values[c][i]);
}

const same = ([out], _, x) => {
  out.data = [...x.data];
};

// ------------------------------------------------------------------ the table

const PRIMITIVES = {
  abs: unary(Math.abs),
  acos: unary(Math.acos),
  acosh: unary(Math.acosh),
  asin: unary(Math.asin),
  asinh: unary(Math.asinh),
  atan: unary(Math.atan),
  atanh: unary(Math.atanh),
  cbrt: unary(Math.cbrt),
  ceil: unary(Math.ceil),
  cos: unary(Math.cos),
  cosh: unary(Math.cosh),
  digamma: unary(digamma),
  erf: unary(erf),
  erfc: unary(erfc),
  exp: unary(Math.exp),
  exp2: unary((x) => 2 ** x),
  expm1: unary(Math.expm1),
  floor: unary(Math.floor),
  integer_pow: ([out], { y }, x) => {
    out.data = x.data.map((v) => v ** y);
  },
  is_finite: unary((x) => (Number.isFinite(x) ? 1 : 0)),
  lgamma: unary(lgamma),
  log: unary(Math.log),
  log1p: unary(Math.log1p),
  logistic: unary((x) => 1 / (1 + Math.exp(-x))),
  neg: unary((x) => -x),
  not: ([out], _, x) => {
    out.data = x.data.map((v) => (out.dtype === "bool" ? 1 - v : ~v));
  },
  round: ([out], { rounding_method: method }, x) => {
    const away = (v) => Math.sign(v) * Math.round(Math.abs(v));
    out.data = x.data.map(method === "TO_NEAREST_EVEN" ? toEven : away);
  },
  rsqrt: unary((x) => 1 / Math.sqrt(x)),
  sign: unary(Math.sign),
  sin: unary(Math.sin),
  sinh: unary(Math.sinh),
  sqrt: unary(Math.sqrt),
  square: unary((x) => x * x),
  tan: unary(Math.tan),
  tanh: unary(Math.tanh),

  add: binary((x, y) => x + y),
  add_any: binary((x, y) => x + y),
  and: binary((x, y) => x & y),
  atan2: binary(Math.atan2),
  div: binary(quotient),
  eq: truth((x, y) => x === y),
  ge: truth((x, y) => x >= y),
  gt: truth((x, y) => x > y),
  le: truth((x, y) => x <= y),
  lt: truth((x, y) => x < y),
  max: binary((x, y) => Math.max(x, y)),
  min: binary((x, y) => Math.min(x, y)),
  mul: binary(times),
  ne: truth((x, y) => x !== y),
  or: binary((x, y) => x | y),
  pow: binary((x, y) => x ** y),
  rem: binary((x, y) => x % y),
  sub: binary((x, y) => x - y),
  xor: binary((x, y) => x ^ y),
  zeta: binary(zeta),

  clamp: ([out], _, low, x, high) => {
    const [from, to] = [spread(low, out.shape), spread(high, out.shape)];
    out.data = x.data.map((v, i) => Math.min(Math.max(v, from[i]), to[i]));
  },
  convert_element_type: ([out], _, x) => {
    const cut = isWhole(out) && !isWhole(x);
    out.data = x.data.map((v) => (cut ? Math.trunc(v) : v));
  },
  select_n: selectCase,
  copy: same,
  copy_p: same,
  stop_gradient: same,
  optimization_barrier: (outputs, _, ...parts) => {
    outputs.forEach((out, i) => (out.data = [...parts[i].data]));
  },

  reshape: same,
  squeeze: same,
  expand_dims: same,
  broadcast_in_dim: rearranged((index, { broadcast_dimensions: axes }, x) =>
    axes.map((axis, i) => (x.shape[i] === 1 ? 0 : index[axis])),
  ),
  iota: ([out], { dimension }) => {
    each(out.shape, (index, flat) => (out.data[flat] = index[dimension]));
  },
  rev: rearranged((index, { dimensions }, x) =>
    index.map((i, axis) => (dimensions.includes(axis) ? x.shape[axis] - 1 - i : i)),
  ),
  slice: rearranged((index, { start_indices: start, strides }) =>
    index.map((i, axis) => start[axis] + i * (strides ? strides[axis] : 1)),
  ),
  tile: rearranged((index, _, x) => index.map((i, axis) => i % x.shape[axis])),
  transpose: rearranged((index, { permutation }) => {
    const source = [];
    permutation.forEach((axis, i) => (source[axis] = index[i]));
    return source;
  }),
  concatenate,
  dynamic_slice: dynamicSlice,
  dynamic_update_slice: dynamicUpdateSlice,
  gather,
  pad,
  scatter: scatter((_, y) => y),
  "scatter-add": scatter((x, y) => x + y),
  "scatter-mul": scatter((x, y) => x * y),
  "scatter-max": scatter(Math.max),
  "scatter-min": scatter(Math.min),
  sort,
  split,
  stack,
  top_k: topK,

  argmax: best((a, b) => a > b),
  argmin: best((a, b) => a < b),
  cummax: cumulative(-Infinity, Math.max),
  cummin: cumulative(Infinity, Math.min),
  cumprod: cumulative(1, (x, y) => x * y),
  cumsum: cumulative(0, (x, y) => x + y),
  reduce_and: reduction(1, (x, y) => x & y),
  reduce_max: reduction(-Infinity, Math.max),
  reduce_min: reduction(Infinity, Math.min),
  reduce_or: reduction(0, (x, y) => x | y),
  reduce_prod: reduction(1, (x, y) => x * y),
  reduce_sum: reduction(0, (x, y) => x + y),

  conv_general_dilated: convolution,
  dot_general: dotGeneral,
};
