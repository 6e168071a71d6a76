// What a measured run has to do. It is in the first message, where any model server can read it.

export interface Asked {
  /** Names the run to the model server. */
  readonly key: string;
  /** Number of answers with a batch; the one after them is final. */
  readonly turns: number;
  /** Number of tool calls in a batch. */
  readonly calls: number;
  /** How long each tool takes. */
  readonly toolMs: number;
}

/** When the model server had received a whole request, and when it had written the last byte of its answer. */
export interface Exchange {
  readonly arrivedAtMs: number;
  answeredAtMs: number;
}
