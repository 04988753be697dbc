/** What goes between the kernel and a page: `patches.py` writes it, `page_messages.py` reads it. */

/** Of an item's HTML the first `keep` characters stay, and `tail` follows. A new one says where it stands. */
export type Piece = [key: string, keep: number, tail: string, parent?: string, after?: string];

export interface Question {
  id: string;
  question: string;
  several: boolean;
  options: { id: string; label: string; about: string }[];
}

/** What controls in an item's box are made from. */
export interface Card {
  key: string;
  kind: string;
  id?: string;
  always?: string;
  tool?: string;
  denyFirst?: boolean;
  questions?: Question[];
  attempt?: number;
  seconds?: number;
}

export interface Head {
  session: string;
  state: string;
  says: string;
  ticks: boolean;
  elapsed?: number;
  over: boolean;
  undo: boolean;
  stop: string;
  mode: string;
  modes: string[];
  fresh: boolean;
  note: string;
  now: string;
  calls: string;
  notify: boolean;
}

/** What the person is called for; `toast` is the notification, once it is there. */
export interface Call {
  title: string;
  message: string;
  go: () => void;
  toast?: string;
  over?: boolean;
}

/** From one state of a turn to the next; a snapshot is the patch from nothing. */
export interface Patch {
  n: number;
  id?: string;
  items?: Piece[];
  gone?: string[];
  head?: Head;
  cards?: Card[];
}

/** The output that stands in the notebook when the turn is over, for the page that asked for it. */
export interface End {
  page: string;
  model: string;
  output: object;
}

export interface Decision {
  id?: string;
  behavior: string;
  message?: string;
  mode?: string;
  answers?: Record<string, string>;
}

export type Action =
  | { type: "do"; what: string }
  | { type: "end"; page: string }
  | { type: "mode"; mode: string }
  | ({ type: "decide" } & Decision);

/** What a page is asked to do with the notebook's cells; `before` is the source that is to be there still. */
export interface CellChange {
  id?: string;
  after?: string;
  kind?: string;
  before?: string;
  source?: string;
  index?: number;
  saved?: string;
}

export interface CellContent {
  index: number;
  id: string;
  type: string;
  source: string;
  count: number | null;
  running: boolean;
  outputs: { kind: string; text: string }[];
}

/** The cells that were asked for or changed, or why one was left as it is: it changed, is gone, is locked.
 * Of a deleted one also what its file would have, as JSON, and the cell above. */
export interface CellAnswer {
  cells?: CellContent[];
  saved?: string;
  above?: string;
  changed?: CellContent;
  gone?: boolean;
  locked?: boolean;
}

/** A widget's model, as anywidget gives it, and what JupyterLab adds. */
export interface Model {
  get(name: string): any;
  on(name: string, callback: Function): void;
  off(name: string, callback: Function): void;
  send(content: object): void;
  widget_manager?: any;
}
