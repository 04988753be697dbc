/** The notebook's cells, where the front end is JupyterLab or Notebook 7: read and changed as a person would. */
/** @import { CellAnswer, CellChange, Model } from "./protocol.js" */

const TEXT_LIMIT = 8000; // characters of an output
const OUTPUT_LIMIT = 40; // of a cell
const SAVED_LIMIT = 1_000_000; // characters of a deleted cell that is kept with its outputs

/** The live notebook; null in other front ends. @param {Model} model @returns {any} */
export function notebookOf(model) {
  const notebook = model.widget_manager?.context?.model;
  return notebook?.sharedModel?.insertCell && notebook.cells ? notebook : null;
}

/** @param {any} notebook @param {string[] | null} ids of the cells; null for all @returns {CellAnswer} */
export function readCells(notebook, ids) {
  const cells = [...notebook.cells].map((cell, index) => ({ cell, index }));
  return { cells: cells.filter(({ cell }) => !ids || ids.includes(cell.id)).map(({ cell, index }) => described(cell, index)) };
}

/** Inserts a cell below another, or at the end. @param {any} notebook @param {CellChange} change @returns {CellAnswer} */
export function addCell(notebook, { after, kind, source }) {
  const index = after ? placeOf(notebook, after) + 1 : notebook.cells.length;
  if (after && !index) return { gone: true };
  const metadata = kind === "code" ? { trusted: true } : {};
  const outputs = kind === "code" ? { outputs: [] } : {};
  change(notebook.sharedModel, () => notebook.sharedModel.insertCell(index, { cell_type: kind, source, metadata, ...outputs }));
  return { cells: [described(notebook.cells.get(index), index)] };
}

/** Changes a cell that still is what it was. @param {any} notebook @param {CellChange} wanted @returns {CellAnswer} */
export function editCell(notebook, { id, before, source }) {
  const index = placeOf(notebook, id);
  const refusal = refused(notebook, index, before, "editable");
  if (refusal) return refusal;
  const cell = notebook.cells.get(index).sharedModel;
  const [start, end, text] = difference(before ?? "", source ?? "");
  change(cell, () => cell.updateSource(start, end, text)); // the rest stays, and with it the cursor
  return { cells: [described(notebook.cells.get(index), index)] };
}

/** Deletes a cell that still is what it was. @param {any} notebook @param {CellChange} wanted @returns {CellAnswer} */
export function deleteCell(notebook, { id, before }) {
  const index = placeOf(notebook, id);
  const refusal = refused(notebook, index, before, "deletable");
  if (refusal) return refusal;
  const cells = [described(notebook.cells.get(index), index)];
  const saved = savedCell(notebook.cells.get(index).sharedModel.toJSON());
  const above = index ? notebook.cells.get(index - 1).id : "";
  change(notebook.sharedModel, () => notebook.sharedModel.deleteCell(index));
  return { cells, saved, above };
}

/** Puts a deleted cell back where it was. @param {any} notebook @param {CellChange} change @returns {CellAnswer} */
export function restoreCell(notebook, { id, after, index, source, saved }) {
  if (placeOf(notebook, id) >= 0) return { changed: described(notebook.cells.get(placeOf(notebook, id)), placeOf(notebook, id)) };
  const above = placeOf(notebook, after);
  const place = above < 0 ? Math.min(index ?? 0, notebook.cells.length) : above + 1;
  change(notebook.sharedModel, () => notebook.sharedModel.insertCell(place, { ...JSON.parse(saved ?? ""), id, source }));
  return { cells: [described(notebook.cells.get(place), place)] };
}

/** A cell as its file has it; one that is large without its outputs. @param {any} cell */
function savedCell(cell) {
  const saved = JSON.stringify(cell);
  return saved.length > SAVED_LIMIT && cell.outputs ? JSON.stringify({ ...cell, outputs: [] }) : saved;
}

/** Why a cell is left as it is; null if it need not be.
 * @param {any} notebook @param {number} index @param {string | undefined} before @param {string} leave @returns {CellAnswer | null} */
function refused(notebook, index, before, leave) {
  if (index < 0) return { gone: true };
  const cell = notebook.cells.get(index);
  if (cell.sharedModel.getSource() !== before) return { changed: described(cell, index) };
  return cell.getMetadata(leave) === false ? { locked: true } : null;
}

/** One step that a person can undo. @param {any} shared @param {() => void} step */
function change(shared, step) {
  shared.undoManager?.stopCapturing?.(); // or it would join what was typed just before
  shared.transact(step);
  shared.undoManager?.stopCapturing?.();
}

/** @param {any} notebook @param {string | undefined} id */
function placeOf(notebook, id) {
  return [...notebook.cells].findIndex((cell) => cell.id === id);
}

/** @param {any} cell @param {number} index */
function described(cell, index) {
  const outputs = cell.type === "code" ? [...Array(Math.min(cell.outputs.length, OUTPUT_LIMIT)).keys()] : [];
  return {
    index,
    id: cell.id,
    type: cell.type,
    source: cell.sharedModel.getSource(),
    count: cell.executionCount ?? null,
    running: cell.executionState === "running",
    outputs: outputs.map((place) => outputOf(cell.outputs.get(place).toJSON())).filter((output) => output.kind),
  };
}

/** @param {any} output */
function outputOf(output) {
  const data = output.data ?? {};
  const picture = Object.keys(data).find((kind) => kind.startsWith("image/"));
  if (output.metadata?.claude_magic) return { kind: "answer", text: "" };
  if (output.output_type === "error") return { kind: "error", text: bounded(`${output.ename}: ${output.evalue}`) };
  if (picture) return { kind: "picture", text: picture };
  const text = output.text ?? data["text/markdown"] ?? data["text/plain"] ?? "";
  return { kind: joinedText(text) ? "text" : "", text: bounded(joinedText(text)) };
}

/** @param {unknown} text @returns {string} */
function joinedText(text) {
  return Array.isArray(text) ? text.join("") : String(text);
}

/** @param {string} text */
function bounded(text) {
  const half = TEXT_LIMIT / 2;
  return text.length > TEXT_LIMIT ? `${text.slice(0, half)}\n…\n${text.slice(-half)}` : text;
}

/** What to put in the place of what, so that one text becomes another; never half of a character.
 * @param {string} before @param {string} after @returns {[start: number, end: number, text: string]} */
function difference(before, after) {
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head++;
  if (isHigh(before, head - 1)) head--;
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  if (tail && isHigh(before, before.length - tail - 1)) tail--;
  return [head, before.length - tail, after.slice(head, after.length - tail)];
}

/** The first half of a character of two. @param {string} text @param {number} place */
function isHigh(text, place) {
  return (text.charCodeAt(place) & 0xfc00) === 0xd800;
}
