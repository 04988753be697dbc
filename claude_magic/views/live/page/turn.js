/**
 * A turn in a page: shows what the kernel sends and sends back what a person decides.
 *
 * HTML comes only from the kernel, where it has been sanitised; controls are made here, from plain text. So
 * nothing that a model says can become a control, and no control carries more than a choice.
 */
/** @import { Model } from "./protocol.js" */
import { listenToKeys } from "./keyboard.js";
import { Store } from "./store.js";
import { View } from "./view.js";

/** @type {Map<string, Store>} by the turn's id: a model's views must find the same */
const stores = new Map();

/** @param {Model} model */
function storeOf(model) {
  const id = model.get("snapshot").id;
  const store = stores.get(id) ?? new Store(model);
  stores.set(id, store);
  return store;
}

export default {
  /** @param {{ model: Model }} context */
  initialize({ model }) {
    listenToKeys();
    const store = storeOf(model);
    return () => {
      store.close();
      stores.delete(model.get("snapshot").id);
    };
  },

  /** @param {{ model: Model, el: HTMLElement }} context */
  render({ model, el }) {
    const store = storeOf(model);
    const view = new View(store, el);
    if (store.head?.over) store.send({ type: "do", what: "hello" }); // a quick turn, over before it was shown
    return () => view.close();
  },
};
