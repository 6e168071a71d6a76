// What the Responses API sends beside text and calls: reasoning, and whatever else it has as an item of its own.

/** The field of a message that has it. It is kept and sent back like every field that a provider adds. */
export const ITEMS = 'responses_items';

export type Item = Readonly<Record<string, unknown>>;

export interface PlacedItem {
  /** The number of the message's own items before it: its text, and its calls. */
  readonly at: number;
  readonly item?: Item;
  /** Of the text: whether it is the answer, or said on the way. */
  readonly phase?: string;
}
