/** The keyboard in what shows turns: a key that is pressed there is no command of the front end. */

/** Each widget brings this module anew; the page listens once. */
const KEYBOARD = Symbol.for("claude_magic.keyboard");
const TURNS = ".claude-turn, .claude-static";
/** What the front ends' own keys leave free, as a card says it. */
export const SHORTCUT = "Alt+Shift+C";
const READING = 600; // ms after the way from one card to the next in which a key was still meant for the one before
let reached = -READING;

export function listenToKeys() {
  const page = /** @type {any} */ (window);
  if (page[KEYBOARD]) return;
  page[KEYBOARD] = true;
  window.addEventListener("keydown", onKey, true); // before the front end
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (isShortcut(event) && (focusCard(document.activeElement) || focusStop())) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  const target = event.target instanceof Element ? event.target : null;
  const turn = target?.closest(TURNS);
  const saves = event.key === "s" && (event.ctrlKey || event.metaKey);
  if (!target || !turn || saves) return;
  target.setAttribute("data-lm-suppress-shortcuts", "true"); // for a front end that listens before the turn does
  turn.addEventListener("keydown", keepKey); // no second time; for those that listen above
  if (event.key === "Escape" && !event.isComposing) focusCell(turn);
}

/** By the place of the key: with Alt a Mac writes another letter. @param {KeyboardEvent} event */
function isShortcut(event) {
  return event.code === "KeyC" && event.altKey && event.shiftKey && !event.ctrlKey && !event.metaKey;
}

/** @param {Event} event */
function keepKey(event) {
  event.stopPropagation();
}

/** Goes to the next card that asks, after where one is; false if none does. @param {Element | null} from */
function focusCard(from) {
  const forms = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("form.claude-actions")]);
  const cards = forms.filter((form) => form.offsetParent && form.querySelector("button:enabled"));
  const next = cards[cards.findIndex((card) => card.contains(from)) + 1] ?? cards[0];
  next?.focus();
  return Boolean(next);
}

/** Goes to where what runs is stopped; false if nothing does. */
function focusStop() {
  const stops = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("button.claude-stop:enabled")]);
  const stop = stops.find((button) => button.offsetParent);
  stop?.focus();
  return Boolean(stop);
}

/** Goes back to the cell, where the front end's keys hold again. @param {Element} element */
function focusCell(element) {
  const cell = /** @type {HTMLElement | null} */ (element.closest(".jp-Cell, .cell"));
  if (cell) cell.focus({ preventScroll: true });
  else /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
}

/** From a card that is decided to what asks next, or back to the cell. @param {HTMLElement} form */
export function leaveCard(form) {
  if (focusCard(form)) reached = performance.now();
  else focusCell(form);
}

/** Whether a key is meant for a card, and is no letter of a text. @param {KeyboardEvent} event */
export function isForCard(event) {
  const writes = event.target instanceof HTMLInputElement && event.target.type === "text";
  const tooSoon = performance.now() - reached < READING;
  return !writes && !tooSoon && !event.repeat && !event.altKey && !event.ctrlKey && !event.metaKey;
}
