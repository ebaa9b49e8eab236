// Playing the steps: forward through the values, then back through the partials.

class Player {
  /**
   * @param {number} count how many positions there are
   * @param {Function} show called with each new position
   */
  constructor(count, boundary, show) {
    this.count = count;
    this.boundary = boundary;
    this.show = show;
    this.position = count - 1;
    this.timer = null;
    this.find = (id) => document.getElementById(id);
    const range = this.find("place");
    range.max = String(count - 1);
    range.addEventListener("input", () => this.go(Number(range.value)));
    const share = count > 1 ? boundary / (count - 1) : 0;
    range.style.setProperty("--boundary", `${share * 100}%`);
    const actions = {
      first: () => this.go(0),
      back: () => this.step(-1),
      play: () => this.toggle(),
      forward: () => this.step(1),
      last: () => this.go(this.count - 1),
    };
    for (const [id, act] of Object.entries(actions)) {
      this.find(id).addEventListener("click", act);
    }
    this.find("speed").addEventListener("change", () => this.playing && this._start());
  }

  get playing() {
    return this.timer !== null;
  }

  step(by) {
    this.pause();
    this.go(this.position + by);
  }

  go(position) {
    this.position = Math.min(Math.max(position, 0), this.count - 1);
    const range = this.find("place");
    range.value = String(this.position);
    const backward = this.position > this.boundary;
    const phase = this.position === 0 ? "start" : backward ? "backward" : "forward";
    document.body.dataset.phase = phase;
    range.setAttribute(
      "aria-valuetext",
      `${phase}, step ${this.position} of ${this.count - 1}`,
    );
    this.find("counter").textContent = `${this.position} / ${this.count - 1}`;
    this.find("back").disabled = this.find("first").disabled = this.position === 0;
    this.find("forward").disabled = this.find("last").disabled =
      this.position === this.count - 1;
    this.show(this.position);
  }

  toggle() {
    if (this.playing) this.pause();
    else {
      if (this.position === this.count - 1) this.go(0);
      this._start();
    }
  }

  pause() {
    if (!this.playing) return;
    clearInterval(this.timer);
    this.timer = null;
    this._state();
  }

  _start() {
    clearInterval(this.timer);
    this.timer = setInterval(
      () => {
        this.go(this.position + 1);
        if (this.position === this.count - 1) this.pause();
      },
      Number(this.find("speed").value),
    );
    this._state();
  }

  _state() {
    const button = this.find("play");
    button.setAttribute("aria-pressed", String(this.playing));
    button.setAttribute("aria-label", this.playing ? "Pause" : "Play");
  }
}
