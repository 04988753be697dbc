/** What the person does just now, and what is in their sight: nothing may move under their hands. */

/** Each widget brings this module anew; the page has one person. */
const PERSON = Symbol.for("claude_magic.person");
const TYPING = 5000; // milliseconds after a key
const MOVING = 2000; // after a turn of the wheel, or a press

/** Begins to look. */
export function watchPerson() {
  const page = /** @type {any} */ (window);
  if (page[PERSON]) return page[PERSON];
  const person = (page[PERSON] = { typed: -TYPING, moved: -MOVING });
  const saw = (/** @type {"typed" | "moved"} */ what) => () => (person[what] = performance.now());
  for (const kind of ["keydown", "input"]) document.addEventListener(kind, saw("typed"), { capture: true, passive: true });
  for (const kind of ["wheel", "touchmove", "pointerdown"]) document.addEventListener(kind, saw("moved"), { capture: true, passive: true });
  return person;
}

/** Brings an element into view, unless that would take something out of it that the person is at. @param {Element} element */
export function bringIntoView(element) {
  const { typed, moved } = watchPerson();
  const now = performance.now();
  if (now - typed > TYPING && now - moved > MOVING) element.scrollIntoView({ block: "nearest" });
}

/** Whether the middle of an element can be seen. @param {Element} element */
export function isInSight(element) {
  const { left, top, width, height } = element.getBoundingClientRect();
  const middle = width && !document.hidden ? document.elementFromPoint(left + width / 2, top + height / 2) : null;
  return element.contains(middle);
}
