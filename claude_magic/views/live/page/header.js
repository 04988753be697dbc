/** @import { Action, Head } from "./protocol.js" */
import { make, makeButton } from "./elements.js";

const MODE_NAMES = { default: "ask first", acceptEdits: "accept edits", plan: "plan only", bypassPermissions: "no checks" };

/** What stands at the right of the header. @param {Head} head @param {(action: Action) => void} send */
export function headControls(head, send) {
  /** @type {HTMLElement[]} */
  const controls = [];
  if (head.note) controls.push(make("span", "claude-note", {}, head.note));
  if (head.modes.length) controls.push(modeSelect(head, send));
  if (head.fresh) controls.push(doButton("fresh", "Start fresh", "Next prompt starts fresh", send));
  if (head.stop === "cancel") controls.push(doButton("cancel", "Cancel", "Cancelling…", send));
  if (head.stop === "stop") controls.push(stopButton(send));
  return controls;
}

/** @param {(action: Action) => void} send */
function stopButton(send) {
  const stop = doButton("stop", "Stop", "Stopping…", send);
  // The second ends the process, so it must not be half of a double click.
  stop.addEventListener("click", () => setTimeout(() => stop.replaceWith(stopNowButton(send)), 2000));
  return stop;
}

/** @param {(action: Action) => void} send */
function stopNowButton(send) {
  return Object.assign(doButton("kill", "Stop now", "Stopping…", send), { className: "claude-stop claude-button" });
}

/** A button that does one thing, once.
 * @param {string} what @param {string} text @param {string} then @param {(action: Action) => void} send */
function doButton(what, text, then, send) {
  const button = makeButton(text, `claude-${what}`, () => {
    send({ type: "do", what });
    Object.assign(button, { disabled: true, textContent: then });
  });
  return button;
}

/** @param {Head} head @param {(action: Action) => void} send */
function modeSelect(head, send) {
  const select = /** @type {HTMLSelectElement} */ (make("select", "claude-mode", { "aria-label": "Permission mode", title: "Permission mode" }));
  for (const mode of head.modes.includes(head.mode) || !head.mode ? head.modes : [head.mode, ...head.modes]) {
    select.add(new Option(MODE_NAMES[/** @type {keyof MODE_NAMES} */ (mode)] ?? mode, mode, false, mode === head.mode));
  }
  select.onchange = () => send({ type: "mode", mode: select.value });
  return select;
}
