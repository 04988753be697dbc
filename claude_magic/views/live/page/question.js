/** Answers a question of the kernel's, if this page is the one that is told to. */
/** @import { Model } from "./protocol.js" */
import { addCell, deleteCell, editCell, notebookOf, readCells, restoreCell } from "./cells.js";
import { conversation } from "./conversation.js";

/** @type {Record<string, (model: Model, question: any) => any>} */
const ANSWERS = {
  conversation: (model, { session }) => conversation(model, session),
  read: (model, { ids }) => readCells(notebookOf(model), ids),
  add: (model, question) => addCell(notebookOf(model), question),
  edit: (model, question) => editCell(notebookOf(model), question),
  delete: (model, question) => deleteCell(notebookOf(model), question),
  restore: (model, question) => restoreCell(notebookOf(model), question),
};

export default {
  /** @param {{ model: Model }} context */
  initialize({ model }) {
    const page = Math.random().toString(36);
    const question = model.get("question");
    const offers = question.type === "conversation" || notebookOf(model) !== null; // no: a console, another front end
    model.on("msg:custom", async (/** @type {any} */ content) => {
      if (content?.go !== page) return;
      const answer = Promise.resolve(question).then((asked) => ANSWERS[asked.type](model, asked));
      model.send({ page, answer: await answer.catch(() => ({})) }); // an answer that is none, at once
    });
    model.send({ page, offers });
  },
};
