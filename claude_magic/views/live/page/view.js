/** @import { Card, Head, Patch } from "./protocol.js" */
/** @import { Store } from "./store.js" */
import { cardForm } from "./cards.js";
import { Content } from "./content.js";
import { disableControls, make } from "./elements.js";
import { Follow } from "./follow.js";
import { headControls } from "./header.js";
import { watchPerson } from "./person.js";

/** One view of a turn. */
export class View {
  /** @param {Store} store @param {HTMLElement} el */
  constructor(store, el) {
    this.store = store;
    /** @type {Map<string, HTMLElement>} */
    this.slots = new Map();
    /** @type {WeakMap<Element, string>} */
    this.cardOf = new WeakMap();
    /** @type {Map<string, number>} when an attempt is made again */
    this.due = new Map();
    this.root = make("div", "claude-turn", { role: "group" });
    this.content = new Content(store.model, this.root);
    this.bar = make("div", "claude-bar");
    this.facts = make("div", "claude-facts");
    this.clock = make("span", "claude-elapsed");
    this.now = make("div", "claude-now");
    this.controls = make("div", "claude-controls");
    this.made = ""; // what the controls were made from
    this.silence = make("div", "claude-silence");
    this.said = ""; // of a kernel that does not hear
    this.body = make("div", "claude-body");
    this.status = make("div", "claude-said", { role: "status" });
    this.says = ""; // of the turn's state
    this.bar.append(this.facts, this.now, this.controls, this.silence);
    this.root.append(this.bar, this.body, this.status);
    el.append(this.root);
    this.follow = new Follow(this.root);
    watchPerson();
    this.timer = setInterval(() => this.tick(), 1000);
    this.watch = new ResizeObserver(() => this.content.typeset(this.body));
    this.watch.observe(this.root);
    this.typed = false; // somewhere else, since this is shown: the focus is theirs
    this.typing = (/** @type {Event} */ event) => (this.typed ||= !this.root.contains(/** @type {Node} */ (event.target)));
    document.addEventListener("input", this.typing, true);
    this.show(store.whole(), true);
    store.views.add(this);
  }

  close() {
    clearInterval(this.timer);
    this.watch.disconnect();
    this.follow.close();
    document.removeEventListener("input", this.typing, true);
    this.content.writer.finish();
    this.store.views.delete(this);
    this.root.remove();
  }

  lose() {
    this.root.dataset.state = "lost";
    this.announce("Claude: no connection to the kernel");
    this.controls.replaceChildren(make("span", "claude-note", {}, "no connection to the kernel"));
    this.made = "";
    this.now.textContent = this.silence.textContent = this.said = "";
    disableControls(this.body);
  }

  /** @param {Patch} patch @param {boolean} whole */
  show(patch, whole) {
    this.content.writer.finish();
    for (const key of patch.gone ?? []) {
      this.slots.get(key)?.remove();
      this.slots.delete(key);
    }
    for (const [key, , , parent, after] of patch.items ?? []) {
      const isNew = !this.slots.has(key);
      const slot = this.slot(key, parent, after);
      const html = this.store.items.get(key)?.html ?? "";
      this.content.fill(slot, html, !whole && slot.dataset.text === "" && !(isNew && html.length > 4000));
    }
    if (patch.head) this.showHead(patch.head, whole);
    if (this.store.head?.over) this.store.settle();
    if (patch.cards || whole) this.showCards(whole);
    this.tick();
    this.content.writer.start();
  }

  /** The place of an item; one that has a place moves there. @param {string} key @param {string} [parent] @param {string} [after] */
  slot(key, parent, after = "") {
    const found = this.slots.get(key);
    if (found && parent === undefined) return found;
    const slot = found ?? make("div", "claude-item");
    const above = this.slots.get(parent ?? "");
    const box = key === "header" ? this.facts : above?.querySelector(".claude-box");
    if (box?.classList.contains("claude-answer")) slot.dataset.text = "";
    const before = this.slots.get(after);
    if (before?.parentElement === (box ?? this.body)) before.after(slot);
    else (box ?? this.body).prepend(slot);
    this.slots.set(key, slot);
    return slot;
  }

  /** What is new is a node that is added, the same words again too. @param {string} text */
  announce(text) {
    this.status.replaceChildren(text);
  }

  /** @param {Head} head @param {boolean} whole */
  showHead(head, whole) {
    this.root.setAttribute("aria-label", `Claude, session ${head.session}`);
    this.root.dataset.state = head.state;
    if (this.says !== head.says) this.announce((this.says = head.says)); // else it would take the place of a card's
    this.now.textContent = [head.now, head.calls].filter(Boolean).join(" · ");
    this.now.title = this.now.textContent;
    const { state, note, modes, mode, fresh, stop } = head;
    const made = JSON.stringify([state, note, modes, mode, fresh, stop]);
    if (made === this.made && !whole) return; // somebody may be at one of them
    this.made = made;
    const focus = /** @type {HTMLElement | null} */ (this.controls.contains(document.activeElement) ? document.activeElement : null);
    this.controls.replaceChildren(this.follow.button, this.clock, ...headControls(head, (action) => this.store.send(action)));
    if (focus) /** @type {HTMLElement | null} */ (this.controls.querySelector(`.${focus.classList[0]}`))?.focus();
  }

  /** @param {boolean} again */
  showCards(again) {
    for (const card of this.store.cards) {
      const slot = this.slots.get(card.key);
      const box = slot?.querySelector(".claude-box");
      if (!box || !card.id || (this.cardOf.get(box) === card.id && !again)) continue;
      const kept = this.cardOf.get(box) === card.id ? [...box.querySelectorAll("input, textarea")] : [];
      if (kept.length && !box.querySelector(":disabled")) continue; // somebody may be typing there
      this.cardOf.set(box, card.id);
      for (let fold = box.closest("details:not([open])"); fold; fold = fold.parentElement?.closest("details:not([open])") ?? null) {
        /** @type {HTMLDetailsElement} */ (fold).open = true; // whoever is asked has to see what for
      }
      box.replaceChildren(cardForm(card, (decision) => this.store.send({ type: "decide", ...decision })));
      if (card.denyFirst && !this.typed) /** @type {HTMLElement | null} */ (box.querySelector(".claude-deny"))?.focus();
      this.announce(card.kind === "permission" ? `Claude asks to use ${card.tool}` : `Claude asks: ${card.kind}`);
    }
  }

  /** Where a card's controls are; null where it is not shown. @param {Card} card @returns {Element | null} */
  boxOf(card) {
    return this.slots.get(card.key)?.querySelector(".claude-box > form") ?? null;
  }

  /** Says it at the cards, or above where there is none. @param {string} words */
  showSilence(words) {
    if (this.said === words) return;
    this.said = words;
    if (words) this.announce(words);
    for (const kept of this.root.querySelectorAll(".claude-kept")) kept.remove();
    const forms = words ? this.store.cards.map((card) => this.boxOf(card)).filter((form) => form !== null) : [];
    for (const form of forms) form.append(make("div", "claude-about claude-kept", {}, words));
    this.silence.textContent = forms.length ? "" : words;
  }

  /** The clock and the countdowns, which stand still while the kernel does not hear. */
  tick() {
    this.store.listen();
    this.showSilence(this.store.silence);
    if (this.store.silence) return;
    const passed = Math.max(0, Math.floor((performance.now() - this.store.began) / 1000));
    const said = this.store.head?.ticks ? duration(passed) : "";
    if (this.clock.textContent !== said) this.clock.textContent = said;
    for (const card of this.store.cards.filter((card) => card.kind === "retry")) {
      const place = this.slots.get(card.key)?.querySelector(".claude-countdown");
      const name = `${card.key}/${card.attempt}`;
      const due = this.due.get(name) ?? performance.now() + 1000 * (card.seconds ?? 0);
      this.due.set(name, due);
      if (place) place.textContent = `${Math.max(0, Math.ceil((due - performance.now()) / 1000))} s`;
    }
  }
}

/** @param {number} seconds */
function duration(seconds) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${two(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}
