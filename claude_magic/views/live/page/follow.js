/** The way to the end of a turn that is longer than the page, and there with it as it grows. */
import { make, makeButton } from "./elements.js";

const UP = ["ArrowUp", "PageUp", "Home"];

/** Follows the end of a view, from a click until the person goes up. */
export class Follow {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.follows = false;
    this.isBelow = false; // the end, of what can be seen
    this.button = makeButton("↓ latest", "claude-latest", () => this.begin(), "Go to the end, and stay there as it grows");
    this.end = make("div", "claude-end");
    root.append(this.end);
    this.sight = new IntersectionObserver(([entry]) => {
      this.isBelow = !entry.isIntersecting && entry.boundingClientRect.top > 0;
      this.show();
    });
    this.sight.observe(this.end);
    this.growth = new ResizeObserver(() => this.follows && this.go());
    this.growth.observe(root);
    this.leave = (/** @type {any} */ event) => {
      if (event.type === "wheel" ? event.deltaY < 0 : event.type !== "keydown" || UP.includes(event.key)) this.stop();
    };
    for (const kind of ["wheel", "touchmove", "keydown"]) document.addEventListener(kind, this.leave, { capture: true, passive: true });
    this.show();
  }

  close() {
    this.sight.disconnect();
    this.growth.disconnect();
    for (const kind of ["wheel", "touchmove", "keydown"]) document.removeEventListener(kind, this.leave, true);
  }

  begin() {
    this.follows = true;
    this.go();
    this.show();
  }

  stop() {
    this.follows = false;
    this.show();
  }

  go() {
    this.end.scrollIntoView({ block: "end" });
  }

  show() {
    this.button.hidden = this.follows || !this.isBelow;
  }
}
