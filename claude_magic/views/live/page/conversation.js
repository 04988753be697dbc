/** Which conversation this notebook's answers name. A kernel behind a gateway sees no file. */
/** @import { Model } from "./protocol.js" */

/**
 * @typedef {{ cells?: { outputs?: { metadata?: { claude_magic?: { session?: unknown, session_id?: unknown } } }[] }[] }} SavedNotebook
 */

/** @param {Model} model @param {string} session @returns {Promise<{ session_id: string }>} */
export async function conversation(model, session) {
  const context = model.widget_manager?.context;
  return { session_id: named(context?.model?.toJSON(), session) || named(await saved(context).catch(() => null), session) };
}

/** The last answer of a session names it, as in saved.py. @param {SavedNotebook | null} notebook @param {string} session */
function named(notebook, session) {
  let id = "";
  for (const cell of notebook?.cells ?? []) {
    for (const output of cell.outputs ?? []) {
      const facts = output.metadata?.claude_magic;
      if (facts?.session === session && facts.session_id) id = String(facts.session_id);
    }
  }
  return id;
}

/** What the file holds: to run all cells empties them on the page. @param {any} context @returns {Promise<SavedNotebook | null>} */
async function saved(context) {
  const answer = await fetch(await context.urlResolver.getDownloadUrl(encodeURI(context.path)));
  return answer.ok ? answer.json() : null;
}
