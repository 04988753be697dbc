/**
 * Tells the kernel which conversation this notebook's answers name. A kernel behind a gateway sees no file.
 *
 * @typedef {{ cells?: { outputs?: { metadata?: { claude_magic?: { session?: unknown, session_id?: unknown } } }[] }[] }} Notebook
 */

/** The last answer of a session names it, as in saved.py. @param {Notebook | null} notebook @param {string} session */
function named(notebook, session) {
  let found = "";
  for (const cell of notebook?.cells ?? []) {
    for (const output of cell.outputs ?? []) {
      const facts = output.metadata?.claude_magic;
      if (facts?.session === session && facts.session_id) found = String(facts.session_id);
    }
  }
  return found;
}

/** What the file holds: to run all cells empties them on the page. @param {any} context @returns {Promise<Notebook | null>} */
async function saved(context) {
  const answer = await fetch(await context.urlResolver.getDownloadUrl(encodeURI(context.path)));
  return answer.ok ? answer.json() : null;
}

export default {
  /** @param {{ model: { get(name: string): any, widget_manager?: any, send(content: object): void } }} context */
  async initialize({ model }) {
    const session = model.get("session");
    const context = model.widget_manager?.context;
    const id = named(context?.model?.toJSON(), session) || named(await saved(context).catch(() => null), session);
    model.send({ session_id: id });
  },
};
