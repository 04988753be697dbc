/** The buttons at a block of code: Copy, and Insert below where the notebook can be changed. */
/** @import { Model } from "./protocol.js" */
import { addCell, notebookOf } from "./cells.js";
import { make, makeButton } from "./elements.js";

/** How a block that is to be a cell begins, by the class that says what it is written in. */
const CELLS = { "claude-in-python": "", "claude-in-bash": "%%bash\n" };
/** @type {Map<string, string>} by turn: the cell that was inserted last, below which the next one goes */
const inserted = new Map();

/** @param {HTMLPreElement} pre @param {Model} model @returns {HTMLElement | null} null where it has its buttons */
export function equipCode(pre, model) {
  if (pre.querySelector(":scope > .claude-tools")) return null;
  const code = () => pre.querySelector("code")?.textContent ?? "";
  const tools = make("div", "claude-tools");
  tools.append(codeButton("Copy", "Copied", "claude-copy", "Copy this code", () => navigator.clipboard.writeText(code())));
  const start = Object.entries(CELLS).find(([kind]) => pre.classList.contains(kind))?.[1];
  if (start !== undefined && notebookOf(model)) {
    const put = () => insertBelow(model, start + code().replace(/\n$/, ""));
    tools.append(codeButton("Insert below", "Inserted", "claude-insert", "Insert below this cell", put));
  }
  pre.append(tools);
  return tools;
}

/** @param {string} text @param {string} then @param {string} kind @param {string} about @param {() => any} action */
function codeButton(text, then, kind, about, action) {
  const button = makeButton(text, kind, async () => {
    await action();
    button.textContent = then;
    setTimeout(() => (button.textContent = text), 1500);
  });
  button.setAttribute("aria-label", about);
  return button;
}

/** @param {Model} model @param {string} source */
function insertBelow(model, source) {
  const notebook = notebookOf(model);
  const turn = model.get("snapshot").id;
  const last = [...notebook.cells].find((cell) => cell.id === inserted.get(turn));
  const { cells: added } = addCell(notebook, { after: (last ?? cellOf(notebook, turn))?.id ?? "", kind: "code", source });
  inserted.set(turn, added?.[0].id ?? "");
}

/** The cell that a turn was asked for in; undefined if it is gone. @param {any} notebook @param {string} turn @returns {any} */
export function cellOf(notebook, turn) {
  return [...notebook.cells].find((cell) => cell.type === "code" && shows(cell.outputs, markOf(turn)));
}

/** The class of what stays of a turn. @param {string} turn */
export function markOf(turn) {
  return `claude-of-${turn}`;
}

/** @param {any} outputs @param {string} mark */
function shows(outputs, mark) {
  return [...Array(outputs.length).keys()].some((place) => String(outputs.get(place).data["text/html"]).includes(mark));
}
