/** Elements made here, from plain text. */

/** @param {string} tag @param {string} kind @param {Record<string, string>} attributes @param {string} text @returns {HTMLElement} */
export function make(tag, kind, attributes = {}, text = "") {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

/** @param {string} text @param {string} kind @param {() => void} action @param {string} [title] */
export function makeButton(text, kind, action, title) {
  const button = /** @type {HTMLButtonElement} */ (make("button", `${kind} claude-button`, { type: "button", ...(title ? { title } : {}) }, text));
  button.addEventListener("click", action);
  return button;
}

/** @param {HTMLElement} element */
export function disableControls(element) {
  for (const control of element.querySelectorAll("button, input")) /** @type {HTMLButtonElement} */ (control).disabled = true;
}
