// Special functions that browsers lack, to about the precision of double numbers.

/** Series near zero, continued fraction further out: to about 1e-15. */
function erfc(x) {
  if (Number.isNaN(x)) return x;
  if (x < 0) return 2 - erfc(-x);
  if (x > 27) return 0;
  if (x < 2) return 1 - erf(x);
  let fraction = 0;
  for (let k = 80; k > 0; k -= 1) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

function erf(x) {
  if (Math.abs(x) >= 2) return x > 0 ? 1 - erfc(x) : erfc(-x) - 1;
  let [term, sum] = [x, x];
  for (let n = 1; n < 60; n += 1) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

/** Lanczos' approximation. */
function lgamma(x) {
  if (x < 0.5) {
    return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - lgamma(1 - x);
  }
  const c = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012,
    9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  let sum = c[0];
  for (let i = 1; i < 9; i += 1) sum += c[i] / (x - 1 + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

function digamma(x) {
  if (x <= 0 && Number.isInteger(x)) return NaN;
  if (x < 0) return digamma(1 - x) - Math.PI / Math.tan(Math.PI * x);
  let shift = 0;
  let at = x;
  while (at < 10) {
    shift -= 1 / at;
    at += 1;
  }
  const r = 1 / (at * at);
  const tail = r * (1 / 12 - r * (1 / 120 - r * (1 / 252 - r * (1 / 240 - r / 132))));
  return shift + Math.log(at) - 0.5 / at - tail;
}

/** Hurwitz' zeta, by the Euler-Maclaurin formula. */
function zeta(s, q) {
  let sum = 0;
  let at = q;
  for (let n = 0; n < 12; n += 1) {
    sum += at ** -s;
    at += 1;
  }
  sum += at ** (1 - s) / (s - 1) + at ** -s / 2;
  let factor = s * at ** (-s - 1);
  const bernoulli = [1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160];
  bernoulli.forEach((b, k) => {
    sum += b * factor;
    factor *= ((s + 2 * k + 1) * (s + 2 * k + 2)) / (at * at);
  });
  return sum;
}
