// @ts-check
/**
 * A turn in a page: shows what the kernel sends and sends back what a person decides.
 *
 * HTML comes only from the kernel, where it has been sanitised; controls are made here, from plain text. So
 * nothing that a model says can become a control, and no control carries more than a choice.
 *
 * @typedef {[key: string, keep: number, tail: string, parent?: string, after?: string]} Piece
 * @typedef {{ id: string, question: string, several: boolean, options: { id: string, label: string, about: string }[] }} Question
 * @typedef {{ key: string, kind: string, id?: string, always?: string, tool?: string, denyFirst?: boolean, questions?: Question[], attempt?: number, seconds?: number }} Card
 * @typedef {{ session: string, state: string, says: string, ticks: boolean, elapsed?: number, over: boolean, stop: string, mode: string, modes: string[], fresh: boolean, note: string }} Head
 * @typedef {{ n: number, id?: string, items?: Piece[], gone?: string[], head?: Head, cards?: Card[] }} Patch
 * @typedef {{ get(name: string): any, widget_manager?: any, on(name: string, callback: Function): void, off(name: string, callback: Function): void, send(content: object): void }} Model
 */

const MODE_NAMES = { default: "ask first", acceptEdits: "accept edits", plan: "plan only", bypassPermissions: "no checks" };
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const FORMULA = ".mathjax_process";

/** What the kernel has sent of a turn; shared by all its views. */
class Store {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Map<string, { html: string, parent: string, after: string }>} */
    this.items = new Map();
    /** @type {Set<View>} */
    this.views = new Set();
    /** @type {Head | null} */
    this.head = null;
    /** @type {Card[]} */
    this.cards = [];
    this.n = -1;
    this.began = 0;
    this.asked = 0;
    this.settled = false;
    this.page = Math.random().toString(36);
    this.onMessage = (/** @type {any} */ content) => {
      if (content?.type === "patch") this.patch(content);
      if (content?.type === "end" && content.page === this.page) this.replace(content);
    };
    this.onSnapshot = () => this.restore(model.get("snapshot"));
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
  }

  /** The kernel has ended or cannot be reached: nothing here is live until it is heard from again. */
  lose() {
    if (this.head?.over) return;
    this.lost = true;
    for (const view of this.views) view.lose();
  }

  /** @param {object} content */
  send(content) {
    this.model.send(content);
  }

  /** @param {Patch} patch */
  patch(patch) {
    if (patch.n <= this.n) return;
    if (patch.n !== this.n + 1) {
      if (this.asked !== this.n) this.send({ type: "do", what: "sync" });
      this.asked = this.n; // once for each gap
      return;
    }
    this.take(patch);
    for (const view of this.views) view.show(patch, false);
  }

  /** @param {Patch} snapshot */
  restore(snapshot) {
    if (!snapshot?.items || snapshot.n < this.n) return;
    const here = new Set(snapshot.items.map(([key]) => key));
    const whole = { ...snapshot, gone: [...this.items.keys()].filter((key) => !here.has(key)) };
    this.take(whole);
    for (const view of this.views) view.show(whole, true);
  }

  /** @param {Patch} patch */
  take(patch) {
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
    }
    if (patch.cards) this.cards = patch.cards;
  }

  /** A page that was loaded again does not know the outputs any more that the kernel brings up to date at the end. So
   * when the turn is over and the widget still stands there, the page asks for the end and puts it there itself. The
   * kernel gives it to one page at a time: several can share a notebook, and then the first one's is everybody's. */
  settle() {
    if (this.settled || !(this.cells().length || classicCells().length)) return;
    this.settled = true;
    const ask = (/** @type {number} */ times) => {
      if (!this.views.size || !times) return;
      this.send({ type: "end", page: this.page });
      setTimeout(() => ask(times - 1), 5000);
    };
    setTimeout(() => ask(6), 1500);
  }

  /** @param {{ page: string, model: string, output: object }} end */
  replace(end) {
    for (const { outputs } of this.cells()) {
      for (let place = 1; place < (outputs?.length ?? 0); place++) {
        const view = outputs.get(place).data["application/vnd.jupyter.widget-view+json"];
        if (view?.model_id !== end.model || !("claude_magic" in outputs.get(place - 1).metadata)) continue;
        outputs.set(place, { output_type: "display_data", data: {}, metadata: {} }); // first: else others lose the end
        outputs.set(place - 1, end.output);
      }
    }
    this.replaceInClassic(end);
  }

  /** The classic notebook keeps a widget on the page whose output has become empty. So there both outputs are put
   * again as one. @param {{ output: object }} end */
  replaceInClassic(end) {
    for (const { root } of [...this.views]) {
      const area = classicCells().find((cell) => cell.output_area?.element[0].contains(root))?.output_area;
      const boxes = [...(area?.element[0].querySelectorAll(":scope > .output_area") ?? [])];
      const place = boxes.findIndex((box) => box.contains(root));
      if (place < 1 || !("claude_magic" in (area.outputs[place - 1].metadata ?? {}))) continue;
      const outputs = [...area.outputs];
      outputs.splice(place - 1, 2, end.output);
      area.clear_output(false, true);
      area.fromJSON(outputs);
    }
  }

  /** The cells of the notebook, where the front end is JupyterLab or Notebook 7. @returns {any[]} */
  cells() {
    return [...(this.model.widget_manager?.context?.model?.cells ?? [])];
  }

  /** Everything, as a view needs it that has just been made. @returns {Patch} */
  whole() {
    /** @type {Piece[]} */
    const items = [...this.items].map(([key, item]) => [key, 0, item.html, item.parent, item.after]);
    return { n: this.n, items, head: this.head ?? undefined, cards: this.cards };
  }
}

/** One view of a turn. */
class View {
  /** @param {Store} store @param {HTMLElement} el */
  constructor(store, el) {
    this.store = store;
    /** @type {Map<string, HTMLElement>} */
    this.slots = new Map();
    /** @type {WeakSet<Node>} made here, so not the kernel's to change */
    this.own = new WeakSet();
    /** @type {WeakMap<Element, string>} */
    this.cardOf = new WeakMap();
    /** @type {WeakMap<Element, boolean>} */
    this.wasOpen = new WeakMap();
    /** @type {WeakMap<Element, string>} what a formula was before the page made it one */
    this.formulas = new WeakMap();
    /** @type {Map<string, number>} when an attempt is made again */
    this.due = new Map();
    this.writer = new Writer();
    this.root = make("div", "claude-turn", { role: "group" });
    this.bar = make("div", "claude-bar");
    this.facts = make("div", "claude-facts");
    this.clock = make("span", "claude-elapsed");
    this.controls = make("div", "claude-controls");
    this.body = make("div", "claude-body");
    this.status = make("div", "claude-said", { role: "status" });
    this.bar.append(this.facts, this.controls);
    this.root.append(this.bar, this.body, this.status);
    el.append(this.root);
    this.timer = setInterval(() => this.tick(), 1000);
    this.watch = new ResizeObserver(() => this.typeset(this.body));
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
    document.removeEventListener("input", this.typing, true);
    this.writer.finish();
    this.store.views.delete(this);
    this.root.remove();
  }

  lose() {
    this.root.dataset.state = "lost";
    this.status.textContent = "Claude: no connection to the kernel";
    this.controls.replaceChildren(make("span", "claude-note", {}, "no connection to the kernel"));
    for (const control of this.body.querySelectorAll("button, input")) /** @type {HTMLButtonElement} */ (control).disabled = true;
  }

  /** @param {Patch} patch @param {boolean} whole */
  show(patch, whole) {
    this.writer.finish();
    for (const key of patch.gone ?? []) {
      this.slots.get(key)?.remove();
      this.slots.delete(key);
    }
    for (const [key, , , parent, after] of patch.items ?? []) {
      const isNew = !this.slots.has(key);
      const slot = this.slot(key, parent ?? "", after ?? "");
      const html = this.store.items.get(key)?.html ?? "";
      this.fill(slot, html, !whole && slot.dataset.text === "" && !(isNew && html.length > 4000));
    }
    if (patch.head) this.showHead(patch.head);
    if (this.store.head?.over) this.store.settle();
    if (patch.cards || whole) this.showCards(whole);
    this.tick();
    this.writer.start();
  }

  /** The place of an item. @param {string} key @param {string} parent @param {string} after */
  slot(key, parent, after) {
    const found = this.slots.get(key);
    if (found) return found;
    const slot = make("div", "claude-item");
    const above = this.slots.get(parent);
    const box = key === "header" ? this.facts : above?.querySelector(".claude-box");
    if (box?.classList.contains("claude-answer")) slot.dataset.text = "";
    const before = this.slots.get(after);
    if (before?.parentElement === (box ?? this.body)) before.after(slot);
    else (box ?? this.body).prepend(slot);
    this.slots.set(key, slot);
    return slot;
  }

  /** @param {HTMLElement} slot @param {string} html @param {boolean} slowly */
  fill(slot, html, slowly) {
    const template = document.createElement("template");
    template.innerHTML = html;
    this.morph(slot, template.content, slowly);
    for (const pre of slot.querySelectorAll("pre")) this.equip(pre);
    this.writer.step(() => this.typeset(slot));
  }

  /** Has the front end show the formulas as it does in the saved answer. @param {Element} slot */
  typeset(slot) {
    const typesetter = this.store.model.widget_manager?.rendermime?.latexTypesetter;
    if (!typesetter || !this.root.offsetWidth) return; // MathJax takes a formula's size from where it stands
    for (const formula of slot.querySelectorAll(FORMULA)) {
      if (this.formulas.has(formula)) continue;
      this.formulas.set(formula, formula.textContent ?? "");
      typesetter.typeset(formula);
    }
  }

  /** Makes `old` like `next` with as few changes as possible, so that nothing a person holds is lost.
   * @param {Node} old @param {Node} next @param {boolean} slowly */
  morph(old, next, slowly) {
    const mine = [...old.childNodes].filter((node) => !this.own.has(node));
    const theirs = [...next.childNodes];
    theirs.forEach((node, index) => {
      const here = mine[index];
      if (!here) {
        if (slowly) this.write(old, node);
        else this.append(old, node);
      } else if (here instanceof Text && node instanceof Text) {
        if (slowly && node.data.startsWith(here.data)) this.writer.text(here, node.data);
        else if (here.data !== node.data) here.data = node.data;
      } else if (here instanceof Element && node instanceof Element && alike(here, node)) {
        this.attributes(here, node);
        const formula = this.formulas.get(here);
        if (formula === undefined && !here.classList.contains("claude-box")) this.morph(here, node, slowly);
        else if (formula !== undefined && formula !== node.textContent) here.replaceWith(node);
      } else {
        here.replaceWith(node);
      }
    });
    for (const node of mine.slice(theirs.length)) node.remove();
  }

  /** @param {Element} here @param {Element} node */
  attributes(here, node) {
    for (const { name } of [...here.attributes]) {
      if (!node.hasAttribute(name) && !["open", "tabindex"].includes(name)) here.removeAttribute(name);
    }
    for (const { name, value } of node.attributes) {
      if (name !== "open" && here.getAttribute(name) !== value) here.setAttribute(name, value);
    }
    if (here instanceof HTMLDetailsElement && node instanceof HTMLDetailsElement) {
      if ((this.wasOpen.get(here) ?? here.open) !== node.open) here.open = node.open; // else as the person left it
      this.wasOpen.set(here, node.open);
    }
  }

  /** @param {Node} parent @param {Node} node */
  append(parent, node) {
    const last = parent.lastChild;
    parent.insertBefore(node, last && this.own.has(last) ? last : null);
  }

  /** Appends a node as if it were being written. @param {Node} parent @param {Node} node */
  write(parent, node) {
    const isFormula = node instanceof Element && node.matches(FORMULA);
    const copy = node.cloneNode(isFormula);
    const text = copy instanceof Text ? copy.data : "";
    if (copy instanceof Text) copy.data = "";
    this.writer.step(() => this.append(parent, copy));
    if (copy instanceof Text) this.writer.text(copy, text);
    for (const child of isFormula ? [] : [...node.childNodes]) this.write(copy, child);
  }

  /** A scrolling piece can be reached by keyboard, and code can be copied. @param {HTMLPreElement} pre */
  equip(pre) {
    if (pre.tabIndex < 0) pre.tabIndex = 0;
    if (!pre.classList.contains("claude-code") || this.own.has(pre.lastChild ?? pre)) return;
    const button = this.button("Copy", "claude-copy", async () => {
      await navigator.clipboard.writeText(pre.querySelector("code")?.textContent ?? "");
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
    button.setAttribute("aria-label", "Copy this code");
    this.own.add(button);
    pre.append(button);
  }

  /** @param {Head} head */
  showHead(head) {
    this.root.setAttribute("aria-label", `Claude, session ${head.session}`);
    this.root.dataset.state = head.state;
    if (this.status.textContent !== head.says) this.status.textContent = head.says;
    const focus = /** @type {HTMLElement | null} */ (this.controls.contains(document.activeElement) ? document.activeElement : null);
    this.controls.replaceChildren(this.clock);
    if (head.note) this.controls.append(make("span", "claude-note", {}, head.note));
    if (head.modes.length) this.controls.append(this.modes(head));
    if (head.fresh) this.controls.append(this.doing("fresh", "Start fresh", "Next prompt starts fresh"));
    if (head.stop === "cancel") this.controls.append(this.doing("cancel", "Cancel", "Cancelling…"));
    if (head.stop === "stop") {
      const stop = this.doing("stop", "Stop", "Stopping…");
      // A second stop ends the process, so it must not be half of a double click.
      stop.addEventListener("click", () => setTimeout(() => Object.assign(stop, { disabled: false, textContent: "Stop now" }), 2000));
      this.controls.append(stop);
    }
    if (focus) /** @type {HTMLElement | null} */ (this.controls.querySelector(`.${focus.classList[0]}`))?.focus();
  }

  /** @param {Head} head */
  modes(head) {
    const select = /** @type {HTMLSelectElement} */ (make("select", "claude-mode", { "aria-label": "Permission mode", title: "Permission mode" }));
    for (const mode of head.modes.includes(head.mode) || !head.mode ? head.modes : [head.mode, ...head.modes]) {
      select.add(new Option(MODE_NAMES[/** @type {keyof MODE_NAMES} */ (mode)] ?? mode, mode, false, mode === head.mode));
    }
    select.onchange = () => this.store.send({ type: "mode", mode: select.value });
    return select;
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
      box.replaceChildren(card.kind === "question" ? this.questions(card) : this.choices(card));
      if (card.denyFirst && !this.typed) /** @type {HTMLElement | null} */ (box.querySelector(".claude-deny"))?.focus();
      this.status.textContent = card.kind === "permission" ? `Claude asks to use ${card.tool}` : `Claude asks: ${card.kind}`;
    }
  }

  /** @param {Card} card */
  choices(card) {
    const plan = card.kind === "plan";
    const form = make("form", "claude-actions", { "aria-label": plan ? "Approve the plan" : `Permission for ${card.tool}` });
    const reason = /** @type {HTMLInputElement} */ (make("input", "claude-reason", {
      type: "text", placeholder: plan ? "What to change (optional)" : "Why not (optional)", "aria-label": plan ? "What to change in the plan" : "Reason to deny",
    }));
    const decide = (/** @type {string} */ behavior) => this.decide(form, { id: card.id, behavior, message: behavior === "deny" ? reason.value : "" });
    const deny = this.button(plan ? "Keep planning" : "Deny", "claude-deny", () => decide("deny"));
    if (card.denyFirst) form.append(deny);
    form.append(this.button(plan ? "Approve" : "Allow once", "claude-allow", () => decide("allow")));
    if (card.always) {
      form.append(this.button("Always allow", "claude-always", () => decide("always"), `Always allow: ${card.always}`));
    }
    form.append(...(card.denyFirst ? [] : [deny]), reason);
    if (card.always) form.append(make("div", "claude-about", {}, `Always means: ${card.always}`));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (reason.value.trim()) decide("deny");
    });
    return form;
  }

  /** @param {Card} card */
  questions(card) {
    const form = /** @type {HTMLFormElement} */ (make("form", "claude-actions claude-questions", { "aria-label": "Claude's question" }));
    const fields = (card.questions ?? []).map((question, number) => this.field(card, question, number));
    const submit = /** @type {HTMLButtonElement} */ (make("button", "claude-button claude-submit", { type: "submit" }, "Answer"));
    const decline = this.button("Don't answer", "claude-deny", () => this.decide(form, { id: card.id, behavior: "deny", message: "" }));
    const ready = () => {
      submit.disabled = fields.some((field) => !field.answer());
      submit.title = submit.disabled ? "Every question needs an answer" : "";
    };
    form.append(...fields.map((field) => field.element), submit, decline);
    form.addEventListener("input", ready);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const answers = Object.fromEntries(fields.map((field) => [field.id, field.answer()]));
      this.decide(form, { id: card.id, behavior: "allow", answers });
    });
    ready();
    return form;
  }

  /** @param {Card} card @param {Question} question @param {number} number */
  field(card, question, number) {
    const element = make("fieldset", "claude-field");
    element.append(make("legend", "claude-question-text", {}, question.question));
    const name = `claude-${this.store.model.get("_model_id") ?? ""}-${card.id}-${number}-${Math.random()}`;
    // To choose nothing of several is an answer too, but never one by oversight.
    const none = { id: "None of these", label: "None of these", about: "" };
    const inputs = [...question.options, ...(question.several ? [none] : [])].map((option) => {
      const input = /** @type {HTMLInputElement} */ (make("input", "", { type: question.several ? "checkbox" : "radio", name, value: option.id }));
      const label = make("label", "claude-option");
      const words = make("span", "");
      words.append(make("span", "claude-option-label", {}, option.label));
      if (option.about) words.append(make("span", "claude-about", {}, option.about));
      label.append(input, words);
      element.append(label);
      if (question.several) input.addEventListener("change", () => alone(input));
      return input;
    });
    const alone = (/** @type {HTMLInputElement} */ chosen) => {
      const last = inputs[inputs.length - 1];
      if (chosen.checked) for (const input of chosen === last ? inputs.slice(0, -1) : [last]) input.checked = false;
    };
    const words = /** @type {HTMLInputElement} */ (make("input", "claude-words", { type: "text", placeholder: "Or in your own words", "aria-label": `Your own words: ${question.question}` }));
    element.append(words);
    const answer = () => {
      const chosen = inputs.filter((input) => input.checked).map((input) => input.value);
      const own = words.value.trim();
      return question.several ? [...chosen, ...(own ? [own] : [])].join(", ") : own || (chosen[0] ?? "");
    };
    return { id: question.id, element, answer };
  }

  /** @param {HTMLElement} form @param {object} answer */
  decide(form, answer) {
    this.store.send({ type: "decide", ...answer });
    for (const control of form.querySelectorAll("button, input")) /** @type {HTMLButtonElement} */ (control).disabled = true;
  }

  /** A button that does one thing, once. @param {string} what @param {string} text @param {string} then */
  doing(what, text, then) {
    const button = this.button(text, `claude-${what}`, () => {
      this.store.send({ type: "do", what });
      Object.assign(button, { disabled: true, textContent: then });
    });
    return button;
  }

  /** @param {string} text @param {string} kind @param {() => void} action @param {string} [title] */
  button(text, kind, action, title) {
    const button = /** @type {HTMLButtonElement} */ (make("button", `${kind} claude-button`, { type: "button", ...(title ? { title } : {}) }, text));
    button.addEventListener("click", action);
    return button;
  }

  /** The clock and the countdowns. */
  tick() {
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

/** Writes text that has come in one piece as if it came steadily, in the time until the next piece. */
class Writer {
  constructor() {
    /** @type {({ run: () => void } | { node: Text, text: string })[]} */
    this.steps = [];
    this.last = performance.now();
    this.frame = 0;
  }

  /** @param {() => void} run */
  step(run) {
    this.steps.push({ run });
  }

  /** @param {Text} node @param {string} text */
  text(node, text) {
    if (node.data !== text) this.steps.push({ node, text });
  }

  start() {
    const now = performance.now();
    const pause = Math.min(now - this.last, 3000);
    this.last = now;
    if (!this.steps.length) return;
    if (document.hidden || STILL.matches || pause < 70) return this.finish();
    const left = this.steps.reduce((sum, step) => sum + ("node" in step ? step.text.length - step.node.data.length : 0), 0);
    const rate = left / (0.9 * pause);
    let before = now;
    const next = (/** @type {number} */ time) => {
      this.write(Math.ceil(rate * Math.max(0, time - before)));
      before = Math.max(before, time);
      this.frame = this.steps.length ? requestAnimationFrame(next) : 0;
    };
    this.frame = requestAnimationFrame(next);
  }

  /** @param {number} room characters */
  write(room) {
    while (this.steps.length) {
      const step = this.steps[0];
      if ("run" in step) {
        step.run();
      } else {
        const shown = step.node.data.length;
        step.node.appendData(step.text.slice(shown, shown + room));
        room -= step.node.data.length - shown;
        if (step.node.data.length < step.text.length) return;
      }
      this.steps.shift();
    }
  }

  finish() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.write(Infinity);
  }
}

/** @param {string} tag @param {string} kind @param {Record<string, string>} attributes @param {string} text @returns {HTMLElement} */
function make(tag, kind, attributes = {}, text = "") {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  return element;
}

/** Whether one can become the other. Code that becomes output cannot: it has a button to copy it.
 * @param {Element} here @param {Element} node */
function alike(here, node) {
  if (here.matches(FORMULA) !== node.matches(FORMULA)) return false;
  return here.nodeName === node.nodeName && (here.nodeName !== "PRE" || here.className === node.className);
}

/** The code cells of the classic notebook (nbclassic); none elsewhere. @returns {any[]} */
function classicCells() {
  return /** @type {any} */ (window).Jupyter?.notebook?.get_cells?.() ?? [];
}

/** @param {number} seconds */
function duration(seconds) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${two(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

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
