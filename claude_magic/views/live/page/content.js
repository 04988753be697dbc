/** @import { Model } from "./protocol.js" */
import { equipCode } from "./code.js";
import { Writer } from "./writer.js";

const FORMULA = ".mathjax_process";

/** The kernel's HTML in one view. What is there changes as little as possible, so that nothing a person holds is lost. */
export class Content {
  /** @param {Model} model @param {HTMLElement} root */
  constructor(model, root) {
    this.model = model;
    this.root = root;
    this.writer = new Writer();
    /** @type {WeakSet<Node>} made here, so not the kernel's to change */
    this.own = new WeakSet();
    /** @type {WeakMap<Element, boolean>} */
    this.wasOpen = new WeakMap();
    /** @type {WeakMap<Element, string>} what a formula was before the page made it one */
    this.formulas = new WeakMap();
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
    const typesetter = this.model.widget_manager?.rendermime?.latexTypesetter;
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
        else this.insert(old, node);
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
  insert(parent, node) {
    const last = parent.lastChild;
    parent.insertBefore(node, last && this.own.has(last) ? last : null);
  }

  /** Appends a node as if it were being written. @param {Node} parent @param {Node} node */
  write(parent, node) {
    const isFormula = node instanceof Element && node.matches(FORMULA);
    const copy = node.cloneNode(isFormula);
    const text = copy instanceof Text ? copy.data : "";
    if (copy instanceof Text) copy.data = "";
    this.writer.step(() => this.insert(parent, copy));
    if (copy instanceof Text) this.writer.text(copy, text);
    for (const child of isFormula ? [] : [...node.childNodes]) this.write(copy, child);
  }

  /** A scrolling piece can be reached by keyboard, and code can be copied. @param {HTMLPreElement} pre */
  equip(pre) {
    if (pre.tabIndex < 0) pre.tabIndex = 0;
    const tools = pre.classList.contains("claude-code") ? equipCode(pre, this.model) : null;
    if (tools) this.own.add(tools);
  }
}

/** Whether one can become the other. Code that becomes output cannot: it has a button to copy it.
 * @param {Element} here @param {Element} node */
function alike(here, node) {
  if (here.matches(FORMULA) !== node.matches(FORMULA)) return false;
  return here.nodeName === node.nodeName && (here.nodeName !== "PRE" || here.classList[0] === node.classList[0]);
}
