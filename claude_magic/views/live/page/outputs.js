/** @import { End, Model } from "./protocol.js" */

/** Whether the page lets its notebook's outputs be changed. @param {Model} model */
export function hasOutputs(model) {
  return Boolean(labCells(model).length || classicCells().length);
}

/** Puts a turn's end into the notebook. @param {Model} model @param {HTMLElement[]} roots @param {End} end */
export function putEnd(model, roots, end) {
  for (const { outputs } of labCells(model)) {
    for (let place = 1; place < (outputs?.length ?? 0); place++) {
      const view = outputs.get(place).data["application/vnd.jupyter.widget-view+json"];
      if (view?.model_id !== end.model || !("claude_magic" in outputs.get(place - 1).metadata)) continue;
      outputs.set(place, { output_type: "display_data", data: {}, metadata: {} }); // first: else others lose the end
      outputs.set(place - 1, end.output);
    }
  }
  for (const root of roots) putEndInClassic(root, end);
}

/** The classic notebook keeps a widget on the page whose output has become empty. So there both outputs are put
 * again as one. @param {HTMLElement} root @param {End} end */
function putEndInClassic(root, end) {
  const area = classicCells().find((cell) => cell.output_area?.element[0].contains(root))?.output_area;
  const boxes = [...(area?.element[0].querySelectorAll(":scope > .output_area") ?? [])];
  const place = boxes.findIndex((box) => box.contains(root));
  if (place < 1 || !("claude_magic" in (area.outputs[place - 1].metadata ?? {}))) return;
  const outputs = [...area.outputs];
  outputs.splice(place - 1, 2, end.output);
  area.clear_output(false, true);
  area.fromJSON(outputs);
}

/** The cells of the notebook, where the front end is JupyterLab or Notebook 7. @param {Model} model @returns {any[]} */
function labCells(model) {
  return [...(model.widget_manager?.context?.model?.cells ?? [])];
}

/** The code cells of the classic notebook (nbclassic); none elsewhere. @returns {any[]} */
function classicCells() {
  return /** @type {any} */ (window).Jupyter?.notebook?.get_cells?.() ?? [];
}
