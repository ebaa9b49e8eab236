// The explanation as a graph in groups, and as a list of steps to play.

/** Children that a group may have before they are put into groups of their own. */
const MOST_CHILDREN = 30;
/** Nodes up to which a graph opens with all groups expanded: on a phone, fewer. */
const MOST_OPEN = innerWidth > 760 ? 24 : 10;
/** Uses of a leaf up to which it stands beside what uses it, and shapes the layout. */
const MOST_FAN = 10;
/** Elements of a leaf that can be changed one by one. */
const MOST_EDITABLE = 64;

class Model {
  constructor(data) {
    this.data = data;
    this.nodes = data.nodes;
    this.byId = new Map();
    this.nodes.forEach((node, order) => {
      node.order = order;
      node.consumers = [];
      node.terms = [];
      node.seed = null;
      this.byId.set(node.id, node);
    });
    for (const node of this.nodes) this._connect(node);
    data.f.nodes.forEach((id, i) => {
      const node = this.byId.get(id);
      node.isResult = true;
      node.seed = data.f.seeds[i];
    });
    data.steps.forEach((step, i) => {
      step.terms.forEach((term, j) => {
        term.step = step;
        term.math = data.formulas.terms[i][j];
        this.byId.get(term.to).terms.push(term);
      });
    });
    this.positions = this._positions();
    this.root = grouped(this);
    this.program = programOf(data);
    this.original = null;
  }

  get edited() {
    return this.original !== null;
  }

  /** Whether a node's elements can be changed here. */
  editable(node) {
    const known = this.program.inputs?.includes(node.id);
    return Boolean(known && sizeOf(node.value) <= MOST_EDITABLE);
  }

  /** Change an element of a leaf, and compute everything else anew. */
  edit(node, place, value) {
    this.original ??= this._numbers().map(([item, key]) => [item, key, item[key]]);
    const data = [...node.value.data];
    data[place] = ROUND[node.value.dtype](value);
    node.value = { shape: node.value.shape, dtype: node.value.dtype, data };
    this._compute();
  }

  /** The engine's numbers again. */
  reset() {
    for (const [item, key, value] of this.original ?? []) item[key] = value;
    this.original = null;
  }

  /** Where every number is that follows from the leaves. */
  _numbers() {
    const { steps, gradients, shares } = this.data;
    return [
      ...this.nodes.flatMap((n) => [
        [n, "value"],
        [n, "gradient"],
      ]),
      ...steps.flatMap((s) => [
        [s, "upstream"],
        ...s.terms.flatMap((t) => ["value", "whole", "partial"].map((key) => [t, key])),
      ]),
      ...gradients.map((g) => [g, "value"]),
      ...shares.map((s) => [s, "gradients"]),
    ];
  }

  _compute() {
    const { places } = this.program;
    const found = this._run(this.data.f.seeds);
    const at = (place) => (place === null ? null : found[place]);
    for (const [id, place] of Object.entries(places.nodes)) {
      this.byId.get(id).value = at(place);
    }
    this.data.steps.forEach((step, i) => {
      step.upstream = places.steps[i].upstream.map(at);
      step.nodes.forEach((id, k) => {
        if (id !== null && step.upstream[k])
          this.byId.get(id).gradient = step.upstream[k];
      });
      step.terms.forEach((term, j) => {
        for (const key of ["value", "whole", "partial"]) {
          term[key] = at(places.steps[i].terms[j][key]);
        }
      });
    });
    this.data.gradients.forEach((gradient, i) => {
      gradient.value = at(places.gradients[i]);
      if (gradient.value) this.byId.get(gradient.node).gradient = gradient.value;
    });
    for (const share of this.data.shares) this._share(share);
  }

  /** What one element of f adds to each derivative: a sweep with a seed of its own. */
  _share(share) {
    const [seed] = this.data.f.seeds;
    const place = dot(share.index, stridesOf(seed.shape));
    const one = { ...seed, data: seed.data.map((_, i) => (i === place ? 1 : 0)) };
    const found = this._run([one]);
    share.gradients = this.program.places.gradients.map((p) =>
      p === null ? null : found[p],
    );
  }

  _run(seeds) {
    const inputs = this.program.inputs.map((name) =>
      typeof name === "number" ? seeds[name] : this.byId.get(name).value,
    );
    const found = evaluate(this.program.listing, inputs);
    for (const array of found) {
      if (array.dtype === "bool") array.data = array.data.map(Boolean);
    }
    return found;
  }

  _connect(node) {
    node.math = this.data.formulas.nodes[node.id];
    node.inputs.forEach((id, position) => {
      if (id !== null) this.byId.get(id).consumers.push({ node, position });
    });
  }

  /** What is played: the operations forward, then the terms of the sweep. */
  _positions() {
    const found = [{ kind: "start" }];
    const ops = this.nodes.filter((n) => n.role === "op");
    ops.forEach((node, i) => {
      node.at = found.length;
      found.push({ kind: "forward", node, number: i + 1, of: ops.length });
    });
    const forward = found.length;
    for (const id of this.data.f.nodes) {
      found.push({ kind: "seed", node: this.byId.get(id) });
    }
    for (const step of this.data.steps) {
      const output = this.byId.get(step.nodes.find((id) => id !== null));
      for (const term of step.terms) {
        term.at = found.length;
        term.output = output;
        const target = this.byId.get(term.to);
        found.push({ kind: "term", node: output, target, term, step });
      }
    }
    const backward = found.slice(forward);
    backward.forEach((position, i) => {
      position.number = i + 1;
      position.of = backward.length;
    });
    this.forwardEnd = forward - 1;
    found.push({ kind: "end" });
    return found;
  }

  /** When a node's derivative is complete: after the last of its terms. */
  derivedAt(node) {
    const seeded = node.seed
      ? this.forwardEnd + 1 + this.data.f.nodes.indexOf(node.id)
      : 0;
    return Math.max(seeded, ...node.terms.map((t) => t.at), 0);
  }

  /** The sum of what has reached a node up to a position, null before anything has. */
  sumAt(node, position) {
    if (node.gradient && this.derivedAt(node) <= position) return node.gradient;
    const parts = node.terms.filter((t) => t.at <= position).map((t) => t.value);
    if (node.seed && position > this.forwardEnd) parts.unshift(node.seed);
    return sumOf(parts);
  }

  /** All nodes from which `node` is computed ("inputs"), or that use it. */
  reach(node, direction) {
    const seen = new Set([node]);
    const pending = [node];
    while (pending.length) {
      const next = pending.pop();
      const near =
        direction === "inputs"
          ? next.inputs.filter((id) => id !== null).map((id) => this.byId.get(id))
          : next.consumers.map((c) => c.node);
      for (const other of near) {
        if (!seen.has(other)) {
          seen.add(other);
          pending.push(other);
        }
      }
    }
    return seen;
  }

  /** The nodes on some way from one of wrt, or from `node`, to f. */
  between(node, side) {
    const up = this.reach(node, "inputs");
    const down = this.reach(node, "consumers");
    if (side === "f") {
      const ends = this.data.f.nodes.map((id) => this.byId.get(id));
      return intersection(
        down,
        ends.map((y) => this.reach(y, "inputs")),
      );
    }
    const starts = this.data.gradients.map((g) => this.byId.get(g.node));
    return intersection(
      up,
      starts.map((x) => this.reach(x, "consumers")),
    );
  }

  /** Nodes whose label, name or type has all words of a query; exact labels first. */
  search(query) {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const score = (node) => {
      const name = `${node.name} ${node.title}`.toLowerCase();
      const all = `${node.id} ${name} ${node.type} ${node.role}`.toLowerCase();
      if (!words.every((w) => all.includes(w))) return -1;
      if (node.id === words[0]) return 4;
      if (name.split(/[\s/]/).includes(words[0])) return 3;
      return name.includes(words[0]) ? 2 : 1;
    };
    return this.nodes
      .map((node) => ({ node, score: score(node) }))
      .filter((found) => found.score > 0)
      .sort((a, b) => b.score - a.score || a.node.order - b.node.order)
      .map((found) => found.node);
  }
}

/** The program of a page, or why there is none. */
function programOf({ program }) {
  if (program.refused) return program;
  const lacking = missing(program.listing);
  if (!lacking.length) return program;
  return { refused: `the page has no ${lacking.join(", ")}.` };
}

function intersection(set, others) {
  return new Set([...set].filter((item) => others.some((other) => other.has(item))));
}

/** The sum of arrays of one shape; null for none, no data where one has none. */
function sumOf(arrays) {
  if (!arrays.length || arrays.some((a) => !a)) return null;
  const [first, ...rest] = arrays;
  if (!rest.length) return first;
  if (arrays.some((a) => !a.data)) return { shape: first.shape, text: "a sum in part" };
  const data = first.data.map(Number);
  for (const array of rest) array.data.forEach((v, i) => (data[i] += Number(v)));
  const { shape, dtype } = first;
  return { shape, dtype, data: data.map(ROUND[dtype] ?? ((v) => v)) };
}

// ------------------------------------------------------------------ groups

/** The tree of name scopes; long runs within one scope are cut into groups as well. */
function grouped(model) {
  const root = { id: "", title: "", children: [], parent: null, isGroup: true };
  const names = new Set(model.nodes.filter((n) => n.role === "op").map((n) => n.path));
  const groups = new Map([["", root]]);
  const groupOf = (path) => {
    const known = groups.get(path);
    if (known) return known;
    const cut = path.lastIndexOf("/");
    const parent = groupOf(path.slice(0, Math.max(cut, 0)));
    // the constants of an operation are in a scope with its name: no group
    if (names.has(path)) {
      groups.set(path, parent);
      return parent;
    }
    const made = group(`group:${path}`, path.slice(cut + 1), parent);
    groups.set(path, made);
    return made;
  };
  for (const node of model.nodes) {
    const parent = groupOf(node.path.slice(0, Math.max(node.path.lastIndexOf("/"), 0)));
    parent.children.push(node);
    node.parent = parent;
  }
  simplified(root);
  cut(root);
  measure(root);
  const open = root.size <= MOST_OPEN;
  eachGroup(root, (g) => (g.expanded = open || g === root));
  while (!open && root.children.length === 1 && root.children[0].isGroup) {
    root.children[0].expanded = true;
    break;
  }
  return root;
}

function group(id, title, parent) {
  const made = { id, title, children: [], parent, isGroup: true, expanded: false };
  parent.children.push(made);
  return made;
}

/** Put the child of a group with one child in the place of the group. */
function simplified(parent) {
  parent.children = parent.children.map((child) => {
    if (!child.isGroup) return child;
    simplified(child);
    if (child.children.length !== 1) return child;
    const [only] = child.children;
    only.parent = parent;
    if (only.isGroup) only.title = `${child.title}/${only.title}`;
    return only;
  });
}

/** Where a child belongs among the others: a leaf beside what first uses it. */
function rank(child) {
  if (child.isGroup) return Math.min(...child.children.map(rank));
  const users = child.consumers.map((c) => c.node.order);
  return child.role === "op" || !users.length ? child.order : Math.min(...users) - 0.5;
}

function cut(parent) {
  for (const child of parent.children) if (child.isGroup) cut(child);
  if (parent.children.length <= MOST_CHILDREN) return;
  // what is used almost everywhere belongs to no run
  const apart = parent.children.filter(isHub).slice(0, MOST_CHILDREN / 2);
  const rest = parent.children.filter((child) => !apart.includes(child));
  const ranked = rest.map((child) => ({ child, at: rank(child) }));
  let items = ranked.sort((a, b) => a.at - b.at).map((r) => r.child);
  while (items.length > MOST_CHILDREN) {
    const count = Math.ceil(items.length / 20);
    const size = Math.ceil(items.length / count);
    const holder = { children: [] };
    for (let i = 0; i < items.length; i += size) {
      const part = items.slice(i, i + size);
      const ends = opsOf(part);
      const title = `${ends[0].id} – ${ends.at(-1).id}`;
      const made = group(`run:${parent.id}:${title}`, title, holder);
      made.isRun = true;
      made.children = part;
      for (const child of part) child.parent = made;
    }
    items = holder.children;
  }
  parent.children = [...apart, ...items];
  for (const child of items) child.parent = parent;
}

function isHub(child) {
  return !child.isGroup && child.role !== "op" && child.consumers.length > MOST_FAN;
}

/** The operations of a run, in order; its leaves where it has no other nodes. */
function opsOf(children) {
  const found = [];
  for (const child of children) eachLeaf(child, (node) => found.push(node));
  const ops = found.filter((node) => node.role === "op");
  return (ops.length ? ops : found).sort((a, b) => a.order - b.order);
}

function measure(item) {
  if (!item.isGroup) return 1;
  item.size = item.children.reduce((sum, child) => sum + measure(child), 0);
  return item.size;
}

function eachGroup(parent, visit) {
  visit(parent);
  for (const child of parent.children) if (child.isGroup) eachGroup(child, visit);
}

function eachLeaf(item, visit) {
  if (!item.isGroup) visit(item);
  else for (const child of item.children) eachLeaf(child, visit);
}

/** What stands for a node while groups are collapsed: itself, or the outermost one. */
function shownFor(item) {
  let shown = item;
  for (let at = item.parent; at; at = at.parent) if (!at.expanded) shown = at;
  return shown;
}
