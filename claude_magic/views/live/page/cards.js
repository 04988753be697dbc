/** @import { Card, Decision, Question } from "./protocol.js" */
import { disableControls, make, makeButton } from "./elements.js";
import { isForCard, leaveCard, SHORTCUT } from "./keyboard.js";

/** The form in which a person decides on a request. @param {Card} card @param {(decision: Decision) => void} send */
export function cardForm(card, send) {
  const decide = (/** @type {Decision} */ decision) => {
    const held = form.contains(document.activeElement);
    send({ id: card.id, ...decision });
    disableControls(form);
    if (held) leaveCard(form);
  };
  const form = card.kind === "question" ? questionForm(card, decide) : permissionForm(card, decide);
  form.tabIndex = -1; // where the shortcut goes: beside every choice
  return form;
}

/** @param {Card} card @param {(decision: Decision) => void} decide */
function permissionForm(card, decide) {
  const plan = card.kind === "plan";
  const form = make("form", "claude-actions", { "aria-label": plan ? "Approve the plan" : `Permission for ${card.tool}` });
  const reason = /** @type {HTMLInputElement} */ (make("input", "claude-reason", {
    type: "text", placeholder: plan ? "What to change (optional)" : "Why not (optional)", "aria-label": plan ? "What to change in the plan" : "Reason to deny",
  }));
  const allow = (/** @type {string} */ behavior) => decide({ behavior, message: "" });
  const deny = () => decide({ behavior: "deny", message: reason.value });
  const denyButton = makeButton(plan ? "Keep planning" : "Deny", "claude-deny", deny);
  if (card.denyFirst) form.append(denyButton);
  form.append(makeButton(plan ? "Approve" : "Allow once", "claude-allow", () => allow("allow")));
  if (plan) form.append(makeButton("Approve and accept edits", "claude-accept", () => decide({ behavior: "allow", mode: "acceptEdits" })));
  if (card.always) {
    form.append(makeButton("Always allow", "claude-always", () => allow("always"), `Always allow: ${card.always}`));
  }
  form.append(...(card.denyFirst ? [] : [denyButton]), reason);
  if (card.always) form.append(make("div", "claude-about", {}, `Always means: ${card.always}`));
  equipKeys(form, plan);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (reason.value.trim()) deny();
  });
  return form;
}

/** Keys that press the buttons, and a line that names them. @param {HTMLElement} form @param {boolean} plan */
function equipKeys(form, plan) {
  const keys = { y: [".claude-allow", plan ? "approve" : "allow once"], a: [".claude-always", "always"], n: [".claude-deny", plan ? "keep planning" : "deny"] };
  /** @type {Map<string, HTMLButtonElement>} */
  const buttons = new Map();
  const says = [`${SHORTCUT} comes here`];
  for (const [key, [place, does]] of Object.entries(keys)) {
    const button = /** @type {HTMLButtonElement | null} */ (form.querySelector(place));
    if (!button) continue;
    button.setAttribute("aria-keyshortcuts", key);
    buttons.set(key, button);
    says.push(`${key} ${does}`);
  }
  form.append(make("div", "claude-hint", {}, says.join(" · ")));
  form.addEventListener("keydown", (event) => {
    if (isForCard(event)) buttons.get(event.key)?.click();
  });
}

/** @param {Card} card @param {(decision: Decision) => void} decide */
function questionForm(card, decide) {
  const form = make("form", "claude-actions claude-questions", { "aria-label": "Claude's question" });
  const fields = (card.questions ?? []).map((question, number) => questionField(`claude-${card.id}-${number}`, question));
  const submit = /** @type {HTMLButtonElement} */ (make("button", "claude-button claude-submit", { type: "submit" }, "Answer"));
  const decline = makeButton("Don't answer", "claude-deny", () => decide({ behavior: "deny", message: "" }));
  const ready = () => {
    submit.disabled = fields.some((field) => !field.answer());
    submit.title = submit.disabled ? "Every question needs an answer" : "";
  };
  form.append(...fields.map((field) => field.element), submit, decline, make("div", "claude-hint", {}, `${SHORTCUT} comes here`));
  form.addEventListener("input", ready);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    decide({ behavior: "allow", answers: Object.fromEntries(fields.map((field) => [field.id, field.answer()])) });
  });
  ready();
  return form;
}

/** @param {string} group @param {Question} question */
function questionField(group, question) {
  const element = make("fieldset", "claude-field");
  element.append(make("legend", "claude-question-text", {}, question.question));
  const name = `${group}-${Math.random()}`; // each view has its own
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
    if (question.several) input.addEventListener("change", () => clearOthers(input));
    return input;
  });
  const clearOthers = (/** @type {HTMLInputElement} */ chosen) => {
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
