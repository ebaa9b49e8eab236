// Where cards go: dagre lays out each expanded group by itself, the inmost first, and a
// group is one box in the group around it. An edge from one group into another passes
// through ports at the bottom of the one and at the top of the other.

/** Room for the title of an expanded group, and around what is inside. */
const HEAD_HEIGHT = 36;
const PADDING = 16;
/** Cards up to which dagre orders ranks with its slower, tighter method. */
const MOST_TIGHT = 160;
/** How much straighter than the edges of leaves those of the computation are. */
const STRAIGHT = 6;
/** What holds ports at the top and at the bottom. */
const HELD = 100;
const TOP = "port:top";
const BOTTOM = "port:bottom";

class Layout {
  /**
   * @param {object} root the outermost group
   * @param {object[]} edges `{key, from, to}` between visible cards; they get `points`
   * @param {Function} measure `{width, height}` of a card
   */
  constructor(root, edges, measure) {
    this.measure = measure;
    this.cards = new Map();
    this.graphs = new Map();
    this.holds = new Map();
    this._enter(root);
    for (const edge of edges) edge.hops = this._hops(edge);
    for (const edge of edges) edge.hops.forEach((hop) => this._connect(hop));
    this.extent = this._arrange(root);
    this._place(root, 0, 0);
    for (const edge of edges) edge.points = this._way(edge.hops);
  }

  /** The points of an edge; between two groups it goes straight down where it can. */
  _way(hops) {
    const points = hops.flatMap((hop) => this._points(hop));
    return points.flatMap((p, i) => {
      if (!p.bends) return [p];
      return [points[i - 1] ?? p, points[i + 1] ?? p].map(({ x }) => ({ x, y: p.y }));
    });
  }

  /** A graph for a group and, before it is filled, for each expanded group inside. */
  _enter(group) {
    const graph = new dagre.graphlib.Graph({ multigraph: true });
    this.graphs.set(group, graph);
    for (const item of group.children) {
      const open = item.isGroup && item.expanded;
      if (open) this._enter(item);
      const card = { item, open, ...(open ? {} : this.measure(item)) };
      this.cards.set(item.id, card);
      graph.setNode(item.id, card);
    }
  }

  /** The pieces of an edge: out of groups, across, into groups. */
  _hops({ key, from, to }) {
    const around = (item) => {
      const found = [];
      for (let at = item.parent; at; at = at.parent) found.push(at);
      return found;
    };
    const inside = around(to);
    const common = around(from).find((group) => inside.includes(group));
    const [out, into] = [[], []];
    let [last, first] = [from, to];
    while (last.parent !== common) {
      const v = last.id;
      out.push({ group: last.parent, v, w: `port:out:${from.id}`, name: from.id });
      last = last.parent;
    }
    while (first.parent !== common) {
      const w = first.id;
      const name = into.length ? from.id : key;
      into.unshift({ group: first.parent, v: `port:in:${from.id}`, w, name });
      first = first.parent;
    }
    const name = out.length || into.length ? from.id : key;
    const isLeaf = !from.isGroup && from.role !== "op";
    const across = { group: common, v: last.id, w: first.id, name };
    return [...out, across, ...into].map((hop) => ({ ...hop, isLeaf }));
  }

  _connect({ group, v, w, name, isLeaf }) {
    const graph = this.graphs.get(group);
    for (const id of [v, w]) {
      if (!graph.hasNode(id)) graph.setNode(id, { width: 6, height: 1, isPort: true });
    }
    graph.setEdge(v, w, { weight: isLeaf ? 1 : STRAIGHT }, name);
  }

  /** Lay out a group, after the groups inside it; its size. */
  _arrange(group) {
    const graph = this.graphs.get(group);
    for (const item of group.children) {
      if (item.isGroup && item.expanded) {
        Object.assign(this.cards.get(item.id), this._arrange(item));
      }
    }
    this._hold(graph);
    const tight = graph.nodeCount() <= MOST_TIGHT;
    graph.setGraph({
      nodesep: 26,
      edgesep: 14,
      ranksep: 36,
      ranker: tight ? "network-simplex" : "longest-path",
    });
    dagre.layout(graph);
    graph.removeNode(TOP);
    graph.removeNode(BOTTOM);
    return this._box(group, graph);
  }

  /** Keep ports above and below all else. */
  _hold(graph) {
    const ports = (kind) =>
      graph.nodes().filter((id) => id.startsWith(`port:${kind}:`));
    const [above, below] = [ports("in"), ports("out")];
    const others = graph.nodes().filter((id) => !id.startsWith("port:"));
    const dot = { width: 1, height: 1 };
    if (above.length) {
      graph.setNode(TOP, { ...dot });
      for (const id of above) graph.setEdge(TOP, id, { weight: HELD });
      for (const id of others) {
        if (!graph.predecessors(id).length)
          graph.setEdge(TOP, id, { weight: 0, minlen: 2 });
      }
    }
    if (below.length) {
      graph.setNode(BOTTOM, { ...dot });
      for (const id of below) graph.setEdge(id, BOTTOM, { weight: HELD });
      for (const id of others) {
        const ends = !graph.successors(id).length;
        if (ends) graph.setEdge(id, BOTTOM, { weight: 0, minlen: 2 });
      }
    }
  }

  /** The size of a group's box, and what its contents are shifted by. */
  _box(group, graph) {
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const id of graph.nodes()) {
      const { x, y, width, height, isPort } = graph.node(id);
      left = Math.min(left, x - width / 2);
      right = Math.max(right, x + width / 2);
      if (isPort) continue;
      top = Math.min(top, y - height / 2);
      bottom = Math.max(bottom, y + height / 2);
    }
    for (const edge of graph.edges()) {
      for (const { x } of graph.edge(edge).points) {
        left = Math.min(left, x);
        right = Math.max(right, x);
      }
    }
    const head = group.parent ? HEAD_HEIGHT : PADDING;
    this.holds.set(group, { x: PADDING - left, y: head - top });
    const least = group.parent ? this.measure(group).width : 0;
    const width = Math.max(right - left + 2 * PADDING, least);
    this.holds.get(group).x += (width - (right - left + 2 * PADDING)) / 2;
    return { width, height: bottom - top + head + PADDING };
  }

  /** Turn positions within groups into positions on the whole. */
  _place(group, x, y) {
    const hold = this.holds.get(group);
    hold.x += x;
    hold.y += y;
    for (const item of group.children) {
      const card = this.cards.get(item.id);
      card.x += hold.x;
      card.y += hold.y;
      if (card.open)
        this._place(item, card.x - card.width / 2, card.y - card.height / 2);
    }
  }

  _points({ group, v, w, name }) {
    const { x, y } = this.holds.get(group);
    const graph = this.graphs.get(group);
    const points = graph
      .edge(v, w, name)
      .points.map((p) => ({ x: p.x + x, y: p.y + y }));
    // the border of the group stands for a port
    const box = this.cards.get(group.id);
    const [from, to] = [graph.node(v), graph.node(w)];
    if (points.length === 3) points[1].bends = Boolean(from.open || to.open);
    const border = (port, side) => ({
      x: port.x + x,
      y: box.y + (side * box.height) / 2,
    });
    if (to.isPort) points[points.length - 1] = border(to, 1);
    else if (to.open) points.pop();
    if (from.isPort) points[0] = border(from, -1);
    else if (from.open) points.shift();
    return points;
  }
}
