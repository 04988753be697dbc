/** What stays of turns that are over: plain HTML, at whose code there are buttons as long as the page lives. */
/** @import { Head, Model } from "./protocol.js" */
import { equipCode, markOf } from "./code.js";
import { equipFooter } from "./finished.js";

/** Each widget brings this module anew; the page has one list, and one observer. */
const LIST = Symbol.for("claude_magic.answers");

/** @param {string} turn @param {Model} model @param {Head} head */
export function watchAnswer(turn, model, head) {
  const answers = listOfPage();
  answers.set(markOf(turn), (/** @type {Element} */ answer) => {
    for (const pre of answer.querySelectorAll("pre")) pre.tabIndex = 0; // one that scrolls can be reached by keyboard
    for (const pre of answer.querySelectorAll(".claude-answer pre.claude-code")) equipCode(/** @type {HTMLPreElement} */ (pre), model);
    equipFooter(answer, model, head);
  });
  for (const answer of document.getElementsByClassName(markOf(turn))) answers.get(markOf(turn))?.(answer);
}

/** @returns {Map<string, (answer: Element) => void>} */
function listOfPage() {
  const page = /** @type {any} */ (window);
  if (!page[LIST]) {
    page[LIST] = new Map();
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element) equipIn(node, page[LIST]);
    }).observe(document.body, { childList: true, subtree: true });
  }
  return page[LIST];
}

/** @param {Element} element @param {Map<string, (answer: Element) => void>} answers */
function equipIn(element, answers) {
  for (const answer of [element, ...element.querySelectorAll(".claude-static")]) {
    for (const name of answer.classList) answers.get(name)?.(answer);
  }
}
