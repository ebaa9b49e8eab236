// The drawing of what `Layout` has placed, and its movements, with d3.

const NODE_HEIGHT = 60;
const GROUP_HEIGHT = 48;
/** What the buttons over the drawing cover. */
const TOOLS_HEIGHT = 56;
/** The scale below which text is hard to read. */
const READABLE = 0.75;
const NARROWEST = 104;
const WIDEST = 216;
/** Cards that may be shown at once. */
const MOST_SHOWN = 400;

class GraphView {
  /**
   * @param {Model} model
   * @param {{select: Function, toggled: Function, notice: Function}} on
   */
  constructor(model, on) {
    this.model = model;
    this.on = on;
    this.svg = d3.select("#graph");
    this.svg
      .append("defs")
      .html(
        ["plain", "forward", "backward", "passed"].map((kind) => arrow(kind)).join(""),
      );
    this.viewport = this.svg.append("g").attr("class", "viewport");
    this.layers = {};
    for (const name of ["areas", "edges", "heads", "nodes", "labels"]) {
      this.layers[name] = this.viewport.append("g").attr("class", name);
    }
    this.zoom = d3.behavior
      .zoom()
      .scaleExtent([0.05, 3])
      .on("zoom", () => this._moved());
    this.svg.call(this.zoom).on("dblclick.zoom", null);
    this.svg.on("click", () => {
      if (!d3.event.defaultPrevented) this.on.select(null);
    });
    this.measure = document.createElement("canvas").getContext("2d");
    this.marks = { position: 0, selected: null, highlighted: null };
    this.cards = new Map();
  }

  _moved() {
    const [x, y] = this.zoom.translate();
    this.viewport.attr("transform", `translate(${x},${y})scale(${this.zoom.scale()})`);
    this.touched = true;
  }

  _width(text, font) {
    this.measure.font = font;
    return this.measure.measureText(text).width;
  }

  // ---------------------------------------------------------------- layout

  /** Lay out what is visible and draw it. */
  draw({ fit = false, keep = null } = {}) {
    const before = keep && this.cards.get(keep.id);
    const held = before && this._onScreen(before);
    const items = [];
    const groups = [];
    const collect = (parent) => {
      for (const child of parent.children) {
        if (child.isGroup && child.expanded) {
          groups.push(child);
          collect(child);
        } else items.push(child);
      }
    };
    collect(this.model.root);
    this.edges = this._edges();
    const laid = this.edges.filter((edge) => !edge.isFan);
    const layout = new Layout(this.model.root, laid, (item) => this._size(item));
    this.cards = layout.cards;
    this.extent = layout.extent;
    for (const edge of this.edges) if (edge.isFan) this._fan(edge);
    this._drawGroups(groups);
    this._drawNodes(items);
    this._drawEdges();
    this.update();
    if (fit) this.fit();
    else if (held && this.cards.get(keep.id)) {
      this._hold(this.cards.get(keep.id), held);
    }
  }

  /** Put a card where one was before, but not out of view to the left. */
  _hold(card, before) {
    const now = this._onScreen(card);
    const [x, y] = this.zoom.translate();
    const left = before[0] - (card.width / 2) * this.zoom.scale();
    const right = Math.max(8 - left, 0);
    this.zoom.translate([x + before[0] - now[0] + right, y + before[1] - now[1]]);
    this._moved();
  }

  _onScreen(card) {
    const [x, y] = this.zoom.translate();
    const scale = this.zoom.scale();
    return [x + card.x * scale, y + (card.y - card.height / 2) * scale];
  }

  /** Edges between what is visible; parallel ones into or out of a group are one. */
  _edges() {
    const found = new Map();
    for (const node of this.model.nodes) {
      const to = shownFor(node);
      for (const [position, id] of node.inputs.entries()) {
        if (id === null) continue;
        const from = shownFor(this.model.byId.get(id));
        if (from === to) continue;
        const single = from === this.model.byId.get(id) && to === node;
        const key = `${from.id}→${to.id}${single ? `#${position}` : ""}`;
        if (!found.has(key)) found.set(key, { key, from, to, ends: [] });
        found.get(key).ends.push({ from: this.model.byId.get(id), to: node, position });
      }
    }
    const edges = [...found.values()];
    const fans = new Map();
    for (const { from } of edges) fans.set(from, (fans.get(from) ?? 0) + 1);
    for (const edge of edges) {
      const isLeaf = !edge.from.isGroup && edge.from.role !== "op";
      edge.isFan = isLeaf && fans.get(edge.from) > MOST_FAN;
    }
    return edges;
  }

  /** What is used almost everywhere would pull all together: drawn, not laid out. */
  _fan(edge) {
    const [from, to] = [this.cards.get(edge.from.id), this.cards.get(edge.to.id)];
    const [start, end] = [from.y + from.height / 2, to.y - to.height / 2];
    edge.points = [
      { x: from.x, y: start },
      { x: from.x, y: start + 24 },
      { x: to.x, y: end - 24 },
      { x: to.x, y: end },
    ];
  }

  _size(item) {
    const title = this._width(titleOf(item), "600 14px system-ui");
    if (item.isGroup) {
      const about = this._width(aboutGroup(item), "12px system-ui");
      const width = Math.max(title, about) + 58;
      return {
        width: Math.min(Math.max(width, NARROWEST), WIDEST),
        height: GROUP_HEIGHT,
      };
    }
    const label = this._width(item.id, "12px ui-monospace, monospace");
    const value = this._width(brief(item.value, 4, 4), "13px ui-monospace, monospace");
    const slope = this._width(
      `∂ ${brief(item.gradient, 4, 4)}`,
      "13px ui-monospace, monospace",
    );
    const width = Math.max(title + label + 42, value + 28, slope + 28);
    return { width: Math.min(Math.max(width, NARROWEST), WIDEST), height: NODE_HEIGHT };
  }

  // ---------------------------------------------------------------- drawing

  _drawGroups(groups) {
    const cards = groups.map((g) => this.cards.get(g.id));
    const areas = this.layers.areas.selectAll("rect").data(cards, (c) => c.item.id);
    areas.exit().remove();
    areas.enter().append("rect").attr("rx", 12);
    areas.attr("transform", place);
    areas.attr("width", (c) => c.width).attr("height", (c) => c.height);
    const bound = this.layers.heads.selectAll("g.group").data(cards, (c) => c.item.id);
    bound.exit().remove();
    const made = bound.enter().append("g").attr("class", "group").attr("tabindex", 0);
    made.attr("role", "button").attr("aria-expanded", "true");
    made.attr("data-id", (c) => c.item.id);
    made.append("rect").attr("height", 24).attr("rx", 7);
    made.append("path").attr("class", "chevron").attr("d", "M9 10l4 4.500 4-4.500");
    made.append("text").attr("x", 23).attr("y", 16.5);
    this._listen(made);
    bound.attr("aria-label", (c) => `${titleOf(c.item)}, group, expanded`);
    bound.attr("transform", (c) => {
      return `translate(${c.x - c.width / 2 + 6},${c.y - c.height / 2 + 6})`;
    });
    bound.select("text").text((c) => this._fitted(titleOf(c.item), c.width - 48));
    bound.select("rect").attr("width", (c) => {
      const text = this._width(titleOf(c.item), "600 12px system-ui");
      return Math.min(c.width - 12, text + 34);
    });
  }

  _drawNodes(items) {
    const cards = items.map((i) => this.cards.get(i.id));
    const bound = this.layers.nodes.selectAll("g.node").data(cards, (c) => c.item.id);
    bound.exit().remove();
    const made = bound.enter().append("g").attr("tabindex", 0).attr("role", "button");
    made.attr("data-id", (c) => c.item.id);
    made.each(function (card) {
      fill(d3.select(this), card.item);
    });
    this._listen(made);
    bound.attr("transform", (c) => place(c));
    bound.selectAll("rect.card, rect.under").attr("width", function () {
      return d3.select(this.parentNode).datum().width;
    });
    bound.select("text.title").text((c) => {
      const room = c.item.isGroup ? 46 : 34 + this._width(c.item.id, "12px monospace");
      return this._fitted(titleOf(c.item), c.width - room);
    });
    bound.select("text.label").attr("x", (c) => c.width - 12);
    bound.attr("aria-expanded", (c) => (c.item.isGroup ? "false" : null));
  }

  _fitted(text, room) {
    if (this._width(text, "600 14px system-ui") <= room) return text;
    let end = text.length;
    while (
      end > 1 &&
      this._width(`${text.slice(0, end)}…`, "600 14px system-ui") > room
    ) {
      end -= 1;
    }
    return `${text.slice(0, end)}…`;
  }

  _listen(made) {
    made.on("click", (card) => {
      if (d3.event.defaultPrevented) return;
      d3.event.stopPropagation();
      if (card.item.isGroup) this.toggle(card.item);
      else this.on.select(card.item);
    });
    made.on("keydown", (card) => {
      if (d3.event.key !== "Enter") return;
      d3.event.preventDefault();
      d3.event.stopPropagation();
      if (card.item.isGroup) this.toggle(card.item);
      else this.on.select(card.item);
    });
  }

  _drawEdges() {
    const bound = this.layers.edges.selectAll("g.edge").data(this.edges, (e) => e.key);
    bound.exit().remove();
    const made = bound.enter().append("g").attr("class", "edge");
    made.append("path").attr("class", "line");
    const line = d3.svg
      .line()
      .x((p) => p.x)
      .y((p) => p.y)
      .interpolate("basis");
    bound.select("path").attr("d", (e) => line(e.points));
    bound.classed("wide", (e) => e.ends.length > 1);
    bound.classed("fan", (e) => e.isFan);
  }

  // ---------------------------------------------------------------- marks

  /** Show a position of the steps, a selection, highlighted nodes. */
  mark(changes) {
    Object.assign(this.marks, changes);
    this.update();
  }

  update() {
    const { position, selected, highlighted } = this.marks;
    const at = this.model.positions[position];
    const current = new Map();
    if (at.node)
      current.set(shownFor(at.node).id, at.kind === "forward" ? "forward" : "backward");
    if (at.target) current.set(shownFor(at.target).id, "backward");
    const lit = highlighted && new Set([...highlighted].map((n) => shownFor(n).id));
    const view = this;
    this.layers.nodes.selectAll("g.node").each(function (card) {
      view._markNode(d3.select(this), card.item, current, selected, lit);
    });
    this.layers.edges.selectAll("g.edge").each(function (edge) {
      view._markEdge(d3.select(this), edge, at, highlighted);
    });
    this._labelTerm(at);
  }

  _markNode(selection, item, current, selected, lit) {
    const { position } = this.marks;
    const now = current.get(item.id);
    selection.classed({
      now: Boolean(now),
      "now-forward": now === "forward",
      "now-backward": now === "backward",
      selected: selected === item,
      dim: Boolean(lit) && !lit.has(item.id),
    });
    if (item.isGroup) {
      selection.attr(
        "aria-label",
        `${titleOf(item)}, group of ${item.size}, collapsed`,
      );
      return;
    }
    const known = item.role !== "op" || item.at <= position;
    const sum = this.model.sumAt(item, position);
    const done = this.model.derivedAt(item) <= position && sum;
    selection.classed("known", known);
    selection.classed("partial", Boolean(sum) && !done);
    const slope = done ? (item.gradient ?? sum) : sum;
    const value = known ? brief(item.value, 4, 4) : "";
    selection.select("text.value").text(this._fittedNumber(value, item));
    const text = slope ? `∂ ${brief(slope, 4, 4)}` : "";
    selection.select("text.slope").text(this._fittedNumber(text, item));
    const says = [titleOf(item), item.id, item.type, value && `value ${value}`];
    if (slope) says.push(`derivative ${brief(slope)}`);
    selection.attr("aria-label", says.filter(Boolean).join(", "));
  }

  _fittedNumber(text, item) {
    const { width } = this.cards.get(item.id);
    const most = Math.floor((width - 22) / 7.8);
    return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
  }

  _markEdge(selection, edge, at, highlighted) {
    const { position } = this.marks;
    const isForward = at.kind === "forward" && edge.ends.some((e) => e.to === at.node);
    const isTerm =
      at.kind === "term" &&
      edge.ends.some(
        (e) =>
          e.from === at.target && e.to === at.node && e.position === at.term.position,
      );
    const passed =
      position > this.model.forwardEnd &&
      edge.ends.some((e) =>
        e.from.terms.some(
          (t) => t.output === e.to && t.position === e.position && t.at <= position,
        ),
      );
    const lit =
      highlighted &&
      edge.ends.some((e) => highlighted.has(e.from) && highlighted.has(e.to));
    selection.classed({
      forward: isForward,
      term: isTerm,
      passed: passed && !isTerm,
      dim: Boolean(highlighted) && !lit,
      lit: Boolean(lit),
      near: edge.from === this.marks.selected || edge.to === this.marks.selected,
    });
    const kind = isForward ? "forward" : passed && !lit ? "passed" : "plain";
    const path = selection.select("path");
    path.attr("marker-end", isTerm ? null : `url(#arrow-${kind})`);
    path.attr("marker-start", isTerm ? "url(#arrow-backward)" : null);
    if (isTerm) this.termEdge = { edge, path: path.node() };
    if (isForward || isTerm) selection.node().parentNode.append(selection.node());
  }

  /** The value of the current term, beside its edge. */
  _labelTerm(at) {
    this.layers.labels.selectAll("*").remove();
    if (at.kind !== "term" || !this.termEdge) return;
    const { path } = this.termEdge;
    const middle = path.getPointAtLength(path.getTotalLength() / 2);
    const text = brief(at.term.value);
    const width = this._width(text, "600 13px ui-monospace, monospace") + 14;
    const label = this.layers.labels.append("g").attr("class", "term");
    label.attr("transform", `translate(${middle.x - width / 2},${middle.y - 11})`);
    label.append("rect").attr("width", width).attr("height", 22).attr("rx", 11);
    label
      .append("text")
      .attr("x", width / 2)
      .attr("y", 15.5)
      .text(text);
    this.termEdge = null;
  }

  // ---------------------------------------------------------------- groups

  toggle(group) {
    const focused = document.activeElement?.getAttribute("data-id") === group.id;
    group.expanded = !group.expanded;
    if (group.expanded && this.shownCount() > MOST_SHOWN) {
      group.expanded = false;
      this.on.notice(
        `At most ${MOST_SHOWN} nodes are shown at once: collapse a group.`,
      );
      return;
    }
    this.draw({ keep: group });
    if (focused) this.focus(group);
    this.on.toggled(group);
  }

  shownCount() {
    let count = 0;
    const visit = (parent) => {
      for (const child of parent.children) {
        if (child.isGroup && child.expanded) visit(child);
        else count += 1;
      }
    };
    visit(this.model.root);
    return count;
  }

  /** Expand or collapse every group, as far as there is room. */
  setAll(expanded) {
    const levels = [this.model.root.children.filter((c) => c.isGroup)];
    if (!expanded)
      eachGroup(this.model.root, (g) => (g.expanded = g === this.model.root));
    while (expanded && levels.length) {
      const level = levels.pop();
      for (const group of level) group.expanded = true;
      if (this.shownCount() > MOST_SHOWN) {
        for (const group of level) group.expanded = false;
        this.on.notice(`At most ${MOST_SHOWN} nodes are shown at once.`);
        break;
      }
      const next = level.flatMap((g) => g.children.filter((c) => c.isGroup));
      if (next.length) levels.push(next);
    }
    this.draw({ fit: true });
  }

  /** Expand what hides a node. */
  reveal(node) {
    let changed = false;
    for (let at = node.parent; at; at = at.parent) {
      if (!at.expanded) {
        at.expanded = true;
        changed = true;
      }
    }
    if (changed) this.draw();
    return changed;
  }

  focus(item) {
    const found = this.svg.node().querySelector(`[data-id="${CSS.escape(item.id)}"]`);
    found?.focus({ preventScroll: true });
  }

  // ---------------------------------------------------------------- moving

  _room() {
    const box = this.svg.node().getBoundingClientRect();
    return { width: box.width || 800, height: box.height || 500 };
  }

  /** All of it, or the top of it at a size that can be read. */
  fit() {
    const { width, height: all } = this._room();
    const height = all - TOOLS_HEIGHT;
    const { extent } = this;
    const whole = Math.min(width / extent.width, height / extent.height, 1.15);
    const scale = Math.max(whole, READABLE);
    const over = height - extent.height * scale;
    const [left, top] = [(width - extent.width * scale) / 2, Math.max(over / 2, 0)];
    this.zoom.scale(scale).translate([left, top]);
    this._moved();
    this.touched = false;
  }

  zoomBy(by) {
    const { width, height } = this._room();
    const [x, y] = this.zoom.translate();
    const before = this.zoom.scale();
    const scale = Math.min(Math.max(before * by, 0.05), 3);
    const share = scale / before;
    this.zoom.scale(scale);
    this.zoom.translate([
      width / 2 - (width / 2 - x) * share,
      height / 2 - (height / 2 - y) * share,
    ]);
    this._moved();
  }

  /** Move a node that lies outside of the view, or at its edge, to its middle. */
  bring(item) {
    const card = this.cards.get(shownFor(item).id);
    if (!card) return;
    const { width, height } = this._room();
    const scale = this.zoom.scale();
    const [x, y] = this.zoom.translate();
    const at = [x + card.x * scale, y + card.y * scale];
    const [padX, padY] = [Math.min(90, width / 4), Math.min(50, height / 4)];
    const inside =
      at[0] > padX && at[0] < width - padX && at[1] > padY && at[1] < height - padY;
    if (inside) return;
    this.zoom.translate([width / 2 - card.x * scale, height / 2 - card.y * scale]);
    this._moved();
  }
}

function arrow(kind) {
  return (
    `<marker id="arrow-${kind}" class="${kind}" viewBox="0 0 10 10" refX="9" ` +
    'refY="5" markerUnits="userSpaceOnUse" markerWidth="9" markerHeight="9" ' +
    'orient="auto-start-reverse"><path d="M0 1L9 5L0 9z"/></marker>'
  );
}

function place(card) {
  return `translate(${card.x - card.width / 2},${card.y - card.height / 2})`;
}

/** The parts of a card that do not change. */
function fill(selection, item) {
  if (item.isGroup) {
    selection.attr("class", "node collapsed");
    selection.append("rect").attr("class", "under").attr("rx", 10);
    selection
      .select("rect.under")
      .attr("x", 4)
      .attr("y", 4)
      .attr("height", GROUP_HEIGHT);
    selection.append("rect").attr("class", "card").attr("rx", 10);
    selection.select("rect.card").attr("height", GROUP_HEIGHT);
    selection
      .append("path")
      .attr("class", "chevron")
      .attr("d", "M14 17l4.500 4-4.500 4");
    selection.append("text").attr("class", "title").attr("x", 28).attr("y", 21);
    selection.append("text").attr("class", "about").attr("x", 28).attr("y", 37);
    selection.select("text.about").text(aboutGroup(item));
    return;
  }
  selection.attr("class", `node ${item.role}${item.isResult ? " result" : ""}`);
  selection.append("rect").attr("class", "card").attr("rx", 8);
  selection.select("rect.card").attr("height", NODE_HEIGHT);
  selection.append("text").attr("class", "title").attr("x", 12).attr("y", 20);
  const label = titleOf(item) === item.id ? "" : item.id;
  selection.append("text").attr("class", "label").attr("y", 20).text(label);
  selection.append("text").attr("class", "value").attr("x", 12).attr("y", 37);
  selection.append("text").attr("class", "slope").attr("x", 12).attr("y", 53);
}

function titleOf(item) {
  if (item.isGroup) return item.title;
  if (item.role === "op") return item.named ? item.title : item.type;
  return item.title.slice(item.title.lastIndexOf("/") + 1);
}

function aboutGroup(item) {
  return `${item.size} nodes`;
}
