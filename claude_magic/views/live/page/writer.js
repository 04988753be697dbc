const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** Writes text that has come in one piece as if it came steadily, in the time until the next piece. */
export class Writer {
  constructor() {
    /** @type {({ run: () => void } | { node: Text, text: string })[]} */
    this.steps = [];
    this.last = performance.now();
    this.frame = 0;
  }

  /** @param {() => void} run */
  step(run) {
    this.steps.push({ run });
  }

  /** @param {Text} node @param {string} text */
  text(node, text) {
    if (node.data !== text) this.steps.push({ node, text });
  }

  start() {
    const now = performance.now();
    const pause = Math.min(now - this.last, 3000);
    this.last = now;
    if (!this.steps.length) return;
    if (document.hidden || STILL.matches || pause < 70) return this.finish();
    const left = this.steps.reduce((sum, step) => sum + ("node" in step ? step.text.length - step.node.data.length : 0), 0);
    const rate = left / (0.9 * pause);
    let before = now;
    const next = (/** @type {number} */ time) => {
      this.write(Math.ceil(rate * Math.max(0, time - before)));
      before = Math.max(before, time);
      this.frame = this.steps.length ? requestAnimationFrame(next) : 0;
    };
    this.frame = requestAnimationFrame(next);
  }

  /** @param {number} room characters */
  write(room) {
    while (this.steps.length) {
      const step = this.steps[0];
      if ("run" in step) {
        step.run();
      } else {
        const shown = step.node.data.length;
        step.node.appendData(step.text.slice(shown, shown + room));
        room -= step.node.data.length - shown;
        if (step.node.data.length < step.text.length) return;
      }
      this.steps.shift();
    }
  }

  finish() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.write(Infinity);
  }
}
