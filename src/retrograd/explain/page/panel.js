// The panel: what happens in the current step, and all about a chosen node.

class Panel {
  /**
   * @param {Model} model
   * @param {{select: Function, highlight: Function, edit: Function}} on
   */
  constructor(model, on) {
    this.model = model;
    this.on = on;
    this.now = document.getElementById("now");
    this.detail = document.getElementById("detail");
    this.highlighted = null;
  }

  // ---------------------------------------------------------------- the step

  step(index) {
    const at = this.model.positions[index];
    const say = {
      start: "_start",
      forward: "_forward",
      seed: "_seed",
      term: "_term",
      end: "_end",
    };
    this.now.replaceChildren(...this[say[at.kind]](at, index));
    this.now.className = at.kind;
  }

  _start() {
    return [
      element("h2", {}, "Start"),
      element(
        "p",
        {},
        "Inputs and constants have their values; nothing is computed yet.",
      ),
      keys(),
    ];
  }

  _end() {
    const ys = this.model.data.f.nodes.map((id) => this.model.byId.get(id));
    const found = [element("h2", {}, "Result")];
    for (const y of ys) found.push(outcome(name(y.id), arrayElement(y.value)));
    const text = "Values are blue, derivatives of f orange.";
    found.push(element("p", { class: "hint" }, text), keys());
    return found;
  }

  _heading(phase, at) {
    return element(
      "h2",
      {},
      `${phase} ${at.number} of ${at.of}`,
      element("span", { class: "what" }, this._link(at.node)),
    );
  }

  _forward(at) {
    const { node } = at;
    return [
      this._heading("Forward", at),
      this._formula(node, "equation"),
      this._inputs(node),
      element("div", { class: "outcome" }, name(node.id), arrayElement(node.value)),
    ];
  }

  /** The values that an operation is given. */
  _inputs(node) {
    const list = element("ul", { class: "inputs" });
    for (const id of new Set(node.inputs.filter((i) => i !== null))) {
      const input = this.model.byId.get(id);
      const text = brief(input.value, 6);
      list.append(element("li", {}, this._link(input), element("span", {}, text)));
    }
    return list;
  }

  _seed(at) {
    const { node } = at;
    const size = sizeOf(node.seed);
    const why =
      size === 1
        ? "The sweep starts here: f changes as fast as itself."
        : `f is the sum of the ${size} elements of ${node.id}, weighted by the seed.`;
    return [
      this._heading("Backward", at),
      element("p", { class: "hint" }, why),
      outcome(slopeOf(node), arrayElement(node.seed)),
    ];
  }

  _term(at, index) {
    const { term, target } = at;
    const shown = [this._heading("Backward", at), this._chain(term)];
    shown.push(this._product(term));
    const before = this.model.sumAt(target, index - 1);
    const sum = this.model.sumAt(target, index);
    if (before && isScalar(before) && isScalar(sum)) {
      shown.push(
        element(
          "p",
          { class: "running" },
          `so far ${number(before.data[0])} + ${factor(term.value.data[0])}`,
        ),
      );
    }
    const reached = target.terms.filter((t) => t.at <= index).length;
    const left = target.terms.length - reached;
    const more = left ? `${left} more to come` : "";
    const result = outcome(slopeOf(target), arrayElement(sum));
    if (more) result.append(element("span", { class: "more" }, more));
    shown.push(result);
    return shown;
  }

  /** ∂f/∂n4 += ∂f/∂n5 · ∂n5/∂n4 = ∂f/∂n5 · n2, then with numbers. */
  _chain(term) {
    const { math } = term;
    const shared = this.model.byId.get(term.to).terms.length > 1;
    const box = element("div", { class: "equation" });
    const row = element("div", {}, formula(math.target), shared ? " += " : " = ");
    const right = term.partial || !math.rule ? math.chain : "";
    if (right) row.append(formula(right));
    box.append(row);
    if (math.rule) {
      const rule = element("div", { class: right ? "next" : "" });
      if (right) rule.append(" = ");
      rule.append(formula(math.rule));
      if (right) box.append(rule);
      else row.append(rule.firstChild);
      const numbers = isScalar(term.value) && this._numbers(formula(math.rule));
      if (numbers) {
        box.append(equals(numbers, term.value));
      }
    }
    return box;
  }

  /** upstream · local partial = term. */
  _product(term) {
    const upstream = term.step.upstream[0];
    const parts = element("div", { class: "product" });
    const part = (title, array, kind) =>
      element(
        "div",
        { class: `part ${kind}` },
        element("span", { class: "caption" }, title),
        element("span", { class: "number" }, brief(array, 4)),
      );
    parts.append(part("upstream", upstream, "upstream"));
    if (term.partial) {
      parts.append(element("span", { class: "sign" }, "·"));
      parts.append(part("local partial", term.partial, "local"));
    }
    const isSum = term.whole && sizeOf(term.whole) !== sizeOf(term.value);
    const sign = isSum ? "summed =" : term.partial || !term.math.rule ? "=" : "→";
    parts.append(element("span", { class: "sign" }, sign));
    parts.append(part("term", term.value, "term"));
    return parts;
  }

  /** A formula with its values, where it has only numbers; null otherwise. */
  _numbers(made) {
    let ok = true;
    for (const fraction of made.querySelectorAll("mfrac")) {
      const [above, below] = fraction.children;
      if (above.textContent.replace(/\s/g, "") !== "∂f") continue;
      const id = below.querySelector("[data-node]")?.getAttribute("data-node");
      const node = this.model.byId.get(id);
      const value = node && (node.gradient ?? this.model.sumAt(node, Infinity));
      if (!isScalar(value)) ok = false;
      else fraction.replaceWith(mathNumber(value.data[0]));
    }
    for (const symbol of made.querySelectorAll("[data-node]")) {
      const node = this.model.byId.get(symbol.getAttribute("data-node"));
      if (!node || !isScalar(node.value)) ok = false;
      else if (symbol.localName === "msub") {
        // a function's name stands close to a symbol, too close to a number
        const before = symbol.previousElementSibling;
        if (before?.localName === "mi") before.after(mathSpace());
        symbol.replaceWith(mathNumber(node.value.data[0]));
      } else {
        const power = mathElement("msup");
        power.append(mathNumber(node.value.data[0]), symbol.children[2]);
        symbol.replaceWith(power);
      }
    }
    return ok ? made : null;
  }

  _formula(node, kind) {
    if (!node.math) return "";
    const box = element("div", { class: kind }, element("div", {}, formula(node.math)));
    const right = formula(node.math);
    if (dropLeftSide(right) && isScalar(node.value)) {
      const numbers = this._numbers(right);
      if (numbers) {
        box.append(equals(numbers, node.value));
      }
    }
    return box;
  }

  /** A node that can be clicked. */
  _link(node, text = titleOf(node)) {
    const button = element("button", { type: "button", class: "link" }, name(node.id));
    if (text !== node.id) button.append(" ", element("span", {}, text));
    button.addEventListener("click", () => this.on.select(node));
    return button;
  }

  // ---------------------------------------------------------------- the node

  show(node) {
    this.chosen = node;
    this.detail.replaceChildren(...(node ? this._node(node) : this._overview()));
    this.detail.className = node ? "" : "overview";
  }

  _overview() {
    const list = element("ul", { class: "gradients" });
    for (const gradient of this.model.data.gradients) {
      const node = this.model.byId.get(gradient.node);
      const value = gradient.value ? brief(gradient.value, 3) : "none";
      const row = element("li", {}, this._link(node, node.title));
      row.append(
        element("span", { class: "value" }, brief(node.value, 3)),
        element("span", { class: "slope" }, `∂ ${value}`),
      );
      list.append(row);
    }
    const found = [element("h3", {}, "Derivatives"), list];
    if (this.model.data.shares.length) found.push(this._shares());
    found.push(this._aboutEditing());
    return found;
  }

  _shares() {
    const table = element("table", { class: "shares" });
    const head = element("tr", {}, element("th", {}, "element of f"));
    for (const g of this.model.data.gradients)
      head.append(element("th", {}, `∂ ${g.name}`));
    table.append(element("thead", {}, head));
    const body = element("tbody");
    for (const share of this.model.data.shares) {
      const row = element("tr", {}, element("td", {}, `[${share.index.join(", ")}]`));
      for (const g of share.gradients) row.append(element("td", {}, brief(g, 6)));
      body.append(row);
    }
    table.append(body);
    return element("div", {}, element("h3", {}, "By element of f"), scroller(table));
  }

  _aboutEditing() {
    const { refused } = this.model.program;
    const text = refused
      ? `Values cannot be changed here: ${refused}`
      : "Choose an input or a constant to change its value and compute all anew.";
    return element("p", { class: "hint" }, text);
  }

  _node(node) {
    const role = { input: "input", given: "given", constant: "constant", op: "" }[
      node.role
    ];
    const type = node.role === "op" ? node.type : role;
    const close = element(
      "button",
      {
        type: "button",
        class: "icon close",
        "aria-label": "Close",
        onclick: () => this.on.select(null),
      },
      "×",
    );
    const head = element(
      "header",
      {},
      element("h2", {}, name(node.id), " ", element("span", {}, titleOf(node))),
      element(
        "p",
        {},
        node.name && node.name !== type ? `${node.name} ` : "",
        badge(type),
      ),
      close,
    );
    const found = [head];
    if (node.where) found.push(source(node.where));
    found.push(this._paths(node));
    found.push(this._value(node));
    found.push(this._derivative(node));
    found.push(...this._derivations(node));
    return found;
  }

  _paths(node) {
    const row = element("div", { class: "paths" });
    const choices = [
      ["x", "Paths from the inputs"],
      ["f", "Paths to f"],
    ];
    for (const [side, text] of choices) {
      const button = element(
        "button",
        { type: "button", class: "text", "aria-pressed": "false" },
        text,
      );
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        for (const other of row.children) other.setAttribute("aria-pressed", "false");
        button.setAttribute("aria-pressed", String(on));
        this.on.highlight(on ? this.model.between(node, side) : null);
      });
      row.append(button);
    }
    return row;
  }

  _value(node) {
    const box = element("section", {}, element("h3", {}, "Value"));
    if (node.role === "op")
      box.append(this._formula(node, "equation"), this._inputs(node));
    if (this.on.editable(node)) box.append(this._editor(node));
    else box.append(scroller(arrayElement(node.value)));
    return box;
  }

  _editor(node) {
    const width = node.value.shape.findLast((size) => size > 1) ?? 1;
    const table = element("div", {
      class: "editor",
      style: `--columns:${Math.min(width, 6)}`,
    });
    node.value.data.forEach((value, i) => {
      const label = `${titleOf(node)}${indexText(i, node.value.shape)}`;
      const field = element("input", {
        type: "text",
        inputmode: "decimal",
        value: number(value),
        "aria-label": label,
      });
      const change = () => {
        const given = Number(field.value.replace(",", ".").replace("−", "-"));
        const ok = field.value.trim() !== "" && Number.isFinite(given);
        field.setAttribute("aria-invalid", String(!ok));
        if (ok && number(given) !== number(node.value.data[i]))
          this.on.edit(node, i, given);
      };
      field.addEventListener("change", change);
      field.addEventListener("keydown", (event) => {
        event.stopPropagation();
        const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
        if (event.key === "Escape") field.blur();
        if (event.key === "Enter") change();
        if (!by) return;
        event.preventDefault();
        const unit = event.shiftKey ? 0.1 : 1;
        field.value = number(Number((Number(field.value) + by * unit).toPrecision(12)));
        change();
      });
      table.append(field);
    });
    return scroller(table);
  }

  _derivative(node) {
    const box = element("section", { class: "derivatives" });
    box.append(element("h3", {}, "Derivative ", slopeOf(node)));
    const value = node.gradient ?? this.model.sumAt(node, Infinity);
    if (!value) {
      box.append(
        element(
          "p",
          { class: "hint" },
          "None: nothing that was asked for depends on it.",
        ),
      );
      return box;
    }
    if (node.seed) box.append(row("seed", node.seed));
    // the oldest consumer first, as everywhere but in the sweep
    const terms = [...node.terms].sort(
      (a, b) => a.output.order - b.output.order || a.position - b.position,
    );
    for (const term of terms) {
      const user = term.output;
      const item = element("div", { class: "via" });
      item.append(element("p", { class: "caption" }, "through ", this._link(user)));
      item.append(this._chain(term), this._product(term));
      box.append(item);
    }
    if (terms.length > 1 && isScalar(value)) {
      const parts = terms.map((t) => factor(t.value.data[0])).join(" + ");
      box.append(element("p", { class: "running" }, `${parts} =`));
    } else if (terms.length > 1) {
      box.append(
        element("p", { class: "running" }, `the sum of ${terms.length} terms`),
      );
    }
    box.append(outcome(slopeOf(node), arrayElement(value)));
    return box;
  }

  /** Element by element, as the engine derived them; of unchanged values only. */
  _derivations(node) {
    const own = this.model.data.derivations.filter((d) => d.node === node.id);
    if (!own.length || this.model.edited) return [];
    const box = element("details", {}, element("summary", {}, "Element by element"));
    for (const d of own) {
      box.append(element("pre", {}, d.text));
      if (d.paths.length > 1) {
        box.append(element("p", { class: "caption" }, "by paths"));
        box.append(element("pre", {}, d.paths.join("\n")));
      }
    }
    return [box];
  }
}

// ------------------------------------------------------------------ pieces

function keys() {
  const key = (text) => element("kbd", {}, text);
  return element(
    "p",
    { class: "hint keys" },
    element("span", {}, key("space"), " play"),
    element("span", {}, key("←"), " ", key("→"), " step"),
    element("span", {}, key("/"), " search"),
    element("span", {}, "choose a node for its chain rule"),
  );
}

function name(id) {
  return element("var", {}, "n", element("sub", {}, id.slice(1)));
}

function slopeOf(node) {
  return element("span", { class: "derivative" }, "∂f/∂", name(node.id));
}

/** `= 3 · 4 = 12`; once, where the formula is but one number. */
function equals(numbers, array) {
  const value = mathElement("math");
  value.append(mathElement("mn", number(array.data[0]).replace("-", "−")));
  const told = numbers.textContent.replace(/[()\s]/g, "") === value.textContent;
  return element(
    "div",
    { class: "next" },
    ...(told ? [] : [" = ", numbers]),
    " = ",
    value,
  );
}

function outcome(left, right) {
  return element("div", { class: "outcome" }, left, right);
}

function row(title, array) {
  return element(
    "p",
    { class: "row" },
    element("span", { class: "caption" }, title),
    element("span", { class: "number" }, brief(array, 6)),
  );
}

function badge(text) {
  return text ? element("span", { class: "badge" }, text) : "";
}

function scroller(child) {
  return element("div", { class: "scroller" }, child);
}

/** The user's line that made a node. */
function source({ file, line, source: text }) {
  const short = file.slice(Math.max(file.lastIndexOf("/"), file.lastIndexOf("\\")) + 1);
  const box = element("div", { class: "source" });
  box.append(element("p", { class: "caption", title: file }, `${short}:${line}`));
  if (text) box.append(element("pre", {}, element("code", {}, text)));
  return box;
}

function indexText(flat, shape) {
  const index = [];
  for (let i = shape.length - 1; i >= 0; i -= 1) {
    index.unshift(flat % shape[i]);
    flat = Math.floor(flat / shape[i]);
  }
  return index.length ? `[${index.join(", ")}]` : "";
}

const MATH = "http://www.w3.org/1998/Math/MathML";

function mathElement(tag, text) {
  const made = document.createElementNS(MATH, tag);
  if (text) made.textContent = text;
  return made;
}

function mathSpace() {
  const made = mathElement("mspace");
  made.setAttribute("width", "0.2em");
  return made;
}

function mathNumber(value) {
  const text = number(value);
  if (!text.startsWith("-")) return mathElement("mn", text);
  const group = mathElement("mrow");
  group.append(mathElement("mo", "("), mathElement("mn", text.replace("-", "−")));
  group.append(mathElement("mo", ")"));
  return group;
}

/** A formula (a template, and the labels in it) as an element. */
function formula([template, ...labels]) {
  const holder = document.createElement("template");
  const markup = model.data.formulas.templates[template];
  holder.innerHTML = markup.replace(/\{(\d+)\}/g, (_, i) => labels[Number(i)].slice(1));
  return holder.content.firstElementChild;
}

/** Leaves the right side of an equation; false if it is none. */
function dropLeftSide(made) {
  const children = [...made.querySelector("mrow").children];
  const place = children.findIndex(
    (c) => c.localName === "mo" && c.textContent === "=",
  );
  for (const child of children.slice(0, place + 1)) child.remove();
  return place >= 0;
}
