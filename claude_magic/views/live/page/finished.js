/** The buttons below a turn that is over, as long as its kernel lives. */
/** @import { Head, Model } from "./protocol.js" */
import { make, makeButton } from "./elements.js";

/** @param {Element} answer @param {Model} model @param {Head} head */
export function equipFooter(answer, model, head) {
  const footer = answer.querySelector(".claude-footer");
  if (!footer || footer.querySelector(".claude-button")) return;
  if (answer.querySelector(".claude-answer")) footer.append(copyButton(model));
  if (!head.undo) return;
  const said = make("span", "claude-undone", { role: "status" });
  footer.append(undoButton(model, said), said);
}

/** Copies what Claude wrote: its formulas as they are written, and not as they are typeset. @param {Model} model */
function copyButton(model) {
  const label = "Copy as Markdown";
  const button = makeButton(label, "claude-copy-answer", async () => {
    const { text } = await ask(model, "answer");
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}

/** Asks once more before it does it: what is gone then is gone. @param {Model} model @param {HTMLElement} said */
function undoButton(model, said) {
  const label = "Undo its edits";
  const button = makeButton(label, "claude-undo", async () => {
    if (button.textContent === label) {
      button.textContent = "Undo files and cells?";
      setTimeout(() => (button.disabled ? null : (button.textContent = label)), 4000);
      return;
    }
    button.disabled = true;
    const { text, left } = await ask(model, "undo");
    said.textContent = text;
    if (!left) return button.remove();
    button.disabled = false;
    button.textContent = label;
  });
  return button;
}

/** What the kernel answers. @param {Model} model @param {string} what @returns {Promise<{ text: string, left?: boolean }>} */
function ask(model, what) {
  return new Promise((resolve) => {
    const hear = (/** @type {any} */ content) => {
      if (content?.type !== what) return;
      model.off("msg:custom", hear);
      resolve(content);
    };
    model.on("msg:custom", hear);
    model.send({ type: "do", what });
  });
}
