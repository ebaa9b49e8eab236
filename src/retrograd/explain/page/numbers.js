// Numbers and arrays as text and as elements.

const FEW = 12;

/** A number as in the text form: six significant digits, no trailing zeros. */
function number(value, digits = 6) {
  if (value === true || value === false) return String(value);
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") {
    return { NaN: "nan", Infinity: "inf", "-Infinity": "-inf" }[value] ?? value;
  }
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return "0";
  const [mantissa, power] = value
    .toExponential(digits - 1)
    .split("e")
    .map(Number);
  if (power < -4 || power >= 6) {
    if (Number.isSafeInteger(value) && power < 9) return String(value);
    const exponent = String(Math.abs(power)).padStart(2, "0");
    return `${mantissa}e${power < 0 ? "-" : "+"}${exponent}`;
  }
  return String(Number(value.toPrecision(digits)));
}

/** Within a product: in parentheses if negative. */
function factor(value) {
  const text = number(value);
  return text.startsWith("-") ? `(${text})` : text;
}

function sizeOf(array) {
  return array.shape.reduce((a, b) => a * b, 1);
}

function isScalar(array) {
  return Boolean(array && array.data && array.data.length === 1);
}

/** The statistics of an array's elements: those that are given, or computed. */
function statisticsOf(array) {
  if (array.statistics) return array.statistics;
  const finite = [];
  let zeros = 0;
  for (const item of array.data) {
    const v = Number(item);
    if (v === 0) zeros += 1;
    if (Number.isFinite(v)) finite.push(v);
  }
  let [min, max, sum, squares] = [Infinity, -Infinity, 0, 0];
  for (const v of finite) {
    if (v < min) min = v;
    if (v > max) max = v;
    sum += v;
    squares += v * v;
  }
  const lost = array.data.length - finite.length;
  if (!finite.length) [min, max] = [0, 0];
  const mean = finite.length ? sum / finite.length : 0;
  return { min, max, mean, norm: Math.sqrt(squares), zeros, not_finite: lost };
}

/** `[1, -2]` of few elements, `8×10 ‖0.31‖` (the norm) of many. */
function brief(array, most = 4, digits = 6) {
  if (!array) return "–";
  const size = sizeOf(array);
  if (isScalar(array)) return number(array.data[0], digits);
  if (array.data && size <= most && array.shape.length <= 2) {
    return nested(array.data, array.shape, digits);
  }
  const shape = array.shape.join("×");
  if (!array.data && (size <= most || !array.statistics)) return array.text || shape;
  return `${shape} ‖${number(statisticsOf(array).norm, digits)}‖`;
}

function nested(data, shape, digits) {
  if (!shape.length) return number(data[0], digits);
  if (!shape[0]) return "[]";
  const step = data.length / shape[0];
  const parts = [];
  for (let i = 0; i < shape[0]; i += 1) {
    const part = data.slice(i * step, (i + 1) * step);
    parts.push(nested(part, shape.slice(1), digits));
  }
  return `[${parts.join(", ")}]`;
}

/** An element with attributes and children; strings become text, never markup. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return made;
}

/** An array: a number, a row or table of a few, statistics and a histogram of many. */
function arrayElement(array) {
  if (!array) return element("span", { class: "none" }, "none");
  const size = sizeOf(array);
  if (!array.data && (size <= FEW || !array.statistics)) {
    return element("span", { class: "num" }, array.text);
  }
  if (array.data && size === 1) return element("span", { class: "num" }, brief(array));
  return array.data && size <= FEW ? fewElement(array) : statisticsElement(array);
}

/** A row or a table; axes of one element are left out where there are more than two. */
function fewElement(array) {
  const long = array.shape.length > 2;
  const shape = long ? array.shape.filter((size) => size > 1) : array.shape;
  if (shape.length <= 2) return tableOf({ ...array, shape });
  return element("span", { class: "num" }, nested(array.data, array.shape, 6));
}

function tableOf(array) {
  const width = array.shape[array.shape.length - 1];
  const body = element("tbody");
  for (let i = 0; i < array.data.length; i += width) {
    const cells = array.data.slice(i, i + width);
    body.append(element("tr", {}, ...cells.map((v) => element("td", {}, number(v)))));
  }
  return element("table", { class: "array" }, body);
}

function statisticsElement(array) {
  const s = statisticsOf(array);
  const size = sizeOf(array);
  const rows = [
    ["shape", array.shape.join(" × ")],
    ["min", number(s.min)],
    ["max", number(s.max)],
    ["mean", number(s.mean)],
    ["norm", number(s.norm)],
  ];
  if (s.zeros) rows.push(["zero", `${s.zeros} of ${size}`]);
  if (s.not_finite) rows.push(["not finite", `${s.not_finite} of ${size}`]);
  const list = element("dl", { class: "statistics" });
  for (const [name, text] of rows) {
    list.append(element("div", {}, element("dt", {}, name), element("dd", {}, text)));
  }
  const whole = element("div", { class: "many" }, list);
  if (array.data && s.max > s.min) whole.append(histogram(array.data, s));
  return whole;
}

function histogram(data, { min, max }) {
  const bins = new Array(32).fill(0);
  for (const item of data) {
    const v = Number(item);
    if (!Number.isFinite(v)) continue;
    bins[Math.min(31, Math.floor(((v - min) / (max - min)) * 32))] += 1;
  }
  const most = Math.max(...bins);
  const bars = bins
    .map((n, i) => `M${i + 0.1} 20v${-(n ? Math.max(0.6, (n / most) * 20) : 0)}h.8V20z`)
    .join("");
  const label = `Histogram from ${number(min)} to ${number(max)}`;
  const figure = element("div", {
    class: "histogram",
    role: "img",
    "aria-label": label,
  });
  figure.innerHTML =
    '<svg viewBox="0 0 32 20" preserveAspectRatio="none" aria-hidden="true">' +
    `<path d="${bars}"/></svg>`;
  figure.append(
    element("span", {}, number(min)),
    element("span", { class: "right" }, number(max)),
  );
  return figure;
}
