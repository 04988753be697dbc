/** Calls the person who is elsewhere: by the page's title, and by a notification of JupyterLab where it has them. */
/** @import { Call, Model } from "./protocol.js" */

/** Each widget brings this module anew; the page has one title. */
const CALLS = Symbol.for("claude_magic.calls");
const TRIES = 40; // 100 ms each, in which a notification has come

/** Begins a call, or ends it. @param {string} key @param {Call | null} call @param {Model} model */
export function setCall(key, call, model) {
  const { calls } = callsOfPage();
  const before = calls.get(key);
  if (before?.title === call?.title) return;
  calls.delete(key);
  if (before) dismiss(before, model);
  if (call) calls.set(key, call);
  showTitle();
}

/** @returns {{ calls: Map<string, Call>, plain: string, shown: string }} */
function callsOfPage() {
  const page = /** @type {any} */ (window);
  if (!page[CALLS]) {
    page[CALLS] = { calls: new Map(), plain: document.title, shown: "" };
    // JupyterLab gives the page another title whenever another tab of its own is in front.
    new MutationObserver(() => {
      if (document.title === page[CALLS].shown) return;
      page[CALLS].plain = document.title;
      showTitle();
    }).observe(document.head, { childList: true, subtree: true, characterData: true });
  }
  return page[CALLS];
}

function showTitle() {
  const state = callsOfPage();
  const [first, ...more] = state.calls.values();
  if (!first && !state.shown) return;
  state.shown = first ? `● ${first.title}${more.length ? `, and ${more.length} more` : ""}` : "";
  if (document.title !== (state.shown || state.plain)) document.title = state.shown || state.plain;
}

/** A notification with a way to what calls, where the front end is JupyterLab or Notebook 7.
 * @param {Call} call @param {string} cell where it is, "" if that is not known @param {Model} model */
export function notify(call, cell, model) {
  const path = model.widget_manager?.context?.path;
  if (!path) return;
  const before = new Set(toasts());
  const there = { label: "Go there", commandId: "rendermime:handle-local-link", args: { path, id: cell && `#cell-id=${cell}` } };
  execute("apputils:notify", { message: call.message, type: "info", options: { autoClose: false, actions: [there] } }, model);
  const find = (/** @type {number} */ times) => {
    const toast = toasts().find((each) => !before.has(each) && each.textContent?.includes(call.message));
    if (!toast && times) return void setTimeout(() => find(times - 1), 100);
    if (!toast) return; // the person wants no notifications
    call.toast = toast.id;
    if (call.over) return dismiss(call, model);
    toast.addEventListener("click", (event) => {
      if (/** @type {Element} */ (event.target).closest("button")?.textContent?.includes("Go there")) call.go();
    });
  };
  find(TRIES);
}

/** @param {Call} call @param {Model} model */
function dismiss(call, model) {
  call.over = true;
  if (call.toast) execute("apputils:dismiss-notification", { id: call.toast }, model);
}

/** @returns {Element[]} */
function toasts() {
  return [...document.querySelectorAll(".Toastify__toast")];
}

/** Has JupyterLab execute a command, by the way that its renderers have for that.
 * @param {string} command @param {object} args @param {Model} model */
function execute(command, args, model) {
  const link = document.createElement("span");
  link.dataset.commandlinkerCommand = command;
  link.dataset.commandlinkerArgs = JSON.stringify(args);
  link.hidden = true;
  model.widget_manager.rendermime?.trustHandler?.markTrusted(link); // since 4.6 a person is asked else
  document.body.append(link);
  link.click();
  link.remove();
}
