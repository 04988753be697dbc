/** Whether the kernel hears the page. While a cell computes it does not: a click waits for the cell's end. */
/** @import { Action, Model } from "./protocol.js" */

const PATIENCE = 2000; // milliseconds that an answer may take
const PAUSE = 3000; // between two looks at whether somebody is there

export class Hearing {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    this.since = 0; // when the first message was sent that has no answer
    this.last = performance.now();
    this.isDeaf = false;
    this.kept = ""; // the click that waits
  }

  /** @param {Action} action */
  sent(action) {
    this.since ||= performance.now();
    if (action.type === "decide") this.kept = "decide";
    if (action.type === "do" && ["stop", "kill", "cancel"].includes(action.what)) this.kept = "stop";
  }

  heard() {
    this.since = 0;
    this.last = performance.now();
    this.isDeaf = false;
    this.kept = "";
  }

  /** Looks again; true if the kernel is to be asked whether it is there. @param {boolean} waits somebody is waited for */
  look(waits) {
    const now = performance.now();
    const status = this.model.widget_manager?.context?.sessionContext?.session?.kernel?.status;
    this.isDeaf = this.since > 0 && now - this.since > PATIENCE && (status ?? "busy") === "busy";
    return waits && status === "busy" && !this.since && now - this.last > PAUSE;
  }

  /** What the person is to know; "" for nothing. */
  words() {
    if (!this.isDeaf) return "";
    if (this.kept === "stop") return "The kernel computes and hears no click yet: Kernel > Interrupt stops the code";
    if (this.kept) return "Kept: answered when the kernel is free";
    return "The kernel computes; shown and answered when it ends";
  }
}
