/** @import { Action, Card, End, Head, Model, Patch, Piece } from "./protocol.js" */
import { watchAnswer } from "./answers.js";
import { setCall } from "./attention.js";
import { callForAnswer, callForEnd } from "./calls.js";
import { Hearing } from "./hearing.js";
import { hasOutputs, putEnd } from "./outputs.js";
import { bringIntoView } from "./person.js";

/** @typedef {{ root: HTMLElement, show(patch: Patch, whole: boolean): void, lose(): void, boxOf(card: Card): Element | null }} StoreView */

/** What the kernel has sent of a turn; shared by all its views. */
export class Store {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Map<string, { html: string, parent: string, after: string }>} */
    this.items = new Map();
    /** @type {Set<StoreView>} */
    this.views = new Set();
    /** @type {Head | null} */
    this.head = null;
    /** @type {Card[]} */
    this.cards = [];
    this.n = -1;
    this.began = 0;
    this.asked = 0;
    this.settled = false;
    this.ended = false;
    this.shown = ""; // what was asked last
    this.ran = false; // here, before the eyes of this page
    this.page = Math.random().toString(36);
    this.hearing = new Hearing(model);
    this.onMessage = (/** @type {any} */ content) => {
      this.hearing.heard();
      if (content?.type === "patch") this.patch(content);
      if (content?.type === "end" && content.page === this.page) this.putEnd(content);
    };
    this.onSnapshot = () => {
      this.hearing.heard();
      this.restore(model.get("snapshot"));
    };
    this.lost = false;
    this.onLive = () => this.lose();
    model.on("msg:custom", this.onMessage);
    model.on("comm_live_update", this.onLive);
    model.on("change:snapshot", this.onSnapshot);
    this.onSnapshot();
    const head = /** @type {Head | null} */ (this.head); // which the snapshot may have brought
    if (head?.stop || head?.ticks) this.send({ type: "do", what: "sync" });
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    this.model.off("comm_live_update", this.onLive);
    this.model.off("change:snapshot", this.onSnapshot);
    this.call(null);
  }

  /** The kernel has ended or cannot be reached: nothing here is live until it is heard from again. */
  lose() {
    if (this.head?.over) return;
    this.lost = true;
    this.call(null);
    for (const view of this.views) view.lose();
  }

  /** @param {Action} action */
  send(action) {
    this.hearing.sent(action);
    this.model.send(action);
  }

  /** Looks whether the kernel hears; called every second while the turn is shown. */
  listen() {
    const isAsked = this.cards.some((card) => card.id);
    if (this.hearing.look(isAsked && !this.head?.over)) this.send({ type: "do", what: "hello" });
  }

  /** What the person is to know of a kernel that does not hear; "" for nothing. */
  get silence() {
    return this.head?.over ? "" : this.hearing.words();
  }

  /** Begins to call the person, or ends it. @param {Card | null} card what is asked */
  call(card) {
    setCall(this.model.get("snapshot").id, card && this.head?.notify ? callForAnswer(this, card) : null, this.model);
  }

  /** @param {Patch} patch */
  patch(patch) {
    if (patch.n <= this.n) return;
    if (patch.n !== this.n + 1) {
      if (this.asked !== this.n) this.send({ type: "do", what: "sync" });
      this.asked = this.n; // once for each gap
      return;
    }
    this.apply(patch);
    for (const view of this.views) view.show(patch, false);
    this.attend();
  }

  /** @param {Patch} snapshot */
  restore(snapshot) {
    if (!snapshot?.items || snapshot.n < this.n) return;
    const here = new Set(snapshot.items.map(([key]) => key));
    const whole = { ...snapshot, gone: [...this.items.keys()].filter((key) => !here.has(key)) };
    this.apply(whole);
    for (const view of this.views) view.show(whole, true);
    this.attend();
  }

  /** Has the person know what the turn waits for, and that it is over. */
  attend() {
    const card = this.cards.find((each) => each.id) ?? null;
    this.call(card);
    if (card && card.id !== this.shown) requestAnimationFrame(() => this.bring(card));
    this.shown = card?.id ?? "";
    if (!this.head?.over || this.ended) return;
    this.ended = true;
    if (this.ran) callForEnd(this);
  }

  /** @param {Card} card */
  bring(card) {
    for (const view of this.views) {
      const box = view.boxOf(card);
      if (box) bringIntoView(box);
    }
  }

  /** @param {Patch} patch */
  apply(patch) {
    this.n = patch.n;
    if (this.lost && !patch.head && this.head) patch.head = this.head; // its controls are gone
    this.lost = false;
    for (const key of patch.gone ?? []) this.items.delete(key);
    for (const [key, keep, tail, parent, after] of patch.items ?? []) {
      const old = this.items.get(key);
      const html = (old?.html.slice(0, keep) ?? "") + tail;
      this.items.set(key, { html, parent: parent ?? old?.parent ?? "", after: after ?? old?.after ?? "" });
    }
    if (patch.head) {
      if (patch.head.elapsed !== undefined) this.began = performance.now() - 1000 * patch.head.elapsed;
      else if (patch.head.ticks && !this.head?.ticks) this.began = performance.now();
      this.head = patch.head;
      this.ran ||= !this.head.over;
      if (this.head.over) watchAnswer(this.model.get("snapshot").id, this.model, this.head);
    }
    if (patch.cards) this.cards = patch.cards;
  }

  /** A page that was loaded again does not know the outputs any more that the kernel brings up to date at the end. So
   * when the turn is over and the widget still stands there, the page asks for the end and puts it there itself. The
   * kernel gives it to one page at a time: several can share a notebook, and then the first one's is everybody's. */
  settle() {
    if (this.settled || !hasOutputs(this.model)) return;
    this.settled = true;
    const ask = (/** @type {number} */ times) => {
      if (!this.views.size || !times) return;
      this.send({ type: "end", page: this.page });
      setTimeout(() => ask(times - 1), 5000);
    };
    setTimeout(() => ask(6), 1500);
  }

  /** @param {End} end */
  putEnd(end) {
    putEnd(this.model, [...this.views].map((view) => view.root), end);
  }

  /** Everything, as a view needs it that has just been made. @returns {Patch} */
  whole() {
    /** @type {Piece[]} */
    const items = [...this.items].map(([key, item]) => [key, 0, item.html, item.parent, item.after]);
    return { n: this.n, items, head: this.head ?? undefined, cards: this.cards };
  }
}
