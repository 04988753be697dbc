/** What a turn calls the person for: an answer, or its end when it took long and nobody looked. */
/** @import { Card, Call } from "./protocol.js" */
/** @import { Store } from "./store.js" */
import { notify, setCall } from "./attention.js";
import { notebookOf } from "./cells.js";
import { cellOf, markOf } from "./code.js";
import { isInSight } from "./person.js";

const LONG = 30_000; // milliseconds of a turn whose end is told of
const SETTLED = 300; // milliseconds in which what came stands where it stays

/** @param {Store} store @param {Card} card @returns {Call} */
export function callForAnswer(store, card) {
  const what = card.kind === "permission" ? card.tool : `a ${card.kind}`;
  const boxes = () => [...store.views].map((view) => view.boxOf(card)).filter((box) => box !== null);
  return called(store, `Claude asks: ${what}`, boxes);
}

/** @param {Store} store */
export function callForEnd(store) {
  const { head, model } = store;
  const took = performance.now() - store.began;
  if (!head?.notify || took < LONG || !["done", "failed"].includes(head.state)) return;
  const turn = model.get("snapshot").id;
  const answers = () => [...document.getElementsByClassName(markOf(turn))];
  const seen = () => [...answers(), ...[...store.views].map((view) => view.root)].some(isInSight);
  if (seen()) return;
  setCall(`${turn} ended`, called(store, `Claude: ${head.state}`, answers), model);
  const look = setInterval(() => {
    if (!seen()) return;
    clearInterval(look);
    setCall(`${turn} ended`, null, model);
  }, 1000);
}

/** @param {Store} store @param {string} title @param {() => Element[]} places @returns {Call} */
function called(store, title, places) {
  const go = (/** @type {number} */ times = 20) => {
    const place = places().find((each) => each.getClientRects().length);
    if (place) place.scrollIntoView({ block: "nearest" });
    if (times && !(place && isInSight(place))) setTimeout(() => go(times - 1), 100); // the tab is on its way
  };
  /** @type {Call} */
  const call = { title, message: `${title} (session ${store.head?.session})`, go: () => go() };
  setTimeout(() => {
    const notebook = notebookOf(store.model);
    if (call.over || places().some(isInSight) || !notebook) return;
    notify(call, cellOf(notebook, store.model.get("snapshot").id)?.id ?? "", store.model);
  }, SETTLED);
  return call;
}
