/** The buttons below a turn that is over, as long as its kernel lives. */
/** @import { Head, Model } from "./protocol.js" */
import { make, makeButton } from "./elements.js";

/** @param {Element} answer @param {Model} model @param {Head} head */
export function equipFooter(answer, model, head) {
  const footer = answer.querySelector(".claude-footer");
  if (!footer || !head.undo || footer.querySelector(".claude-undo")) return;
  const said = make("span", "claude-undone", { role: "status" });
  footer.append(undoButton(model, said), said);
}

/** Asks once more before it does it: what is gone then is gone. @param {Model} model @param {HTMLElement} said */
function undoButton(model, said) {
  const label = "Undo its edits";
  const button = makeButton(label, "claude-undo", () => {
    if (button.textContent === label) {
      button.textContent = "Undo files and cells?";
      setTimeout(() => (button.disabled ? null : (button.textContent = label)), 4000);
      return;
    }
    button.disabled = true;
    const hear = (/** @type {any} */ content) => {
      if (content?.type !== "undone") return;
      model.off("msg:custom", hear);
      said.textContent = content.said;
      if (!content.left) return button.remove();
      button.disabled = false;
      button.textContent = label;
    };
    model.on("msg:custom", hear);
    model.send({ type: "do", what: "undo" });
  });
  return button;
}
