// What a measured run is asked to do. It travels in the first message, where any model server can read it.

export interface Asked {
  /** Names the run to the model server. */
  readonly key: string;
  /** Model answers with a batch; the one after them is final. */
  readonly turns: number;
  /** Tool calls of a batch. */
  readonly calls: number;
  /** How long each tool takes. */
  readonly toolMs: number;
}

/** When the model server had a request whole, and when it had written the last byte of its answer. */
export interface Exchange {
  readonly arrivedAtMs: number;
  answeredAtMs: number;
}
