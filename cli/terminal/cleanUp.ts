// Clean-up steps to run at the end: in reverse order, each once.
export interface CleanUp {
  add(undo: () => Promise<void>): void;
  run(): Promise<void>;
}

export function cleanUpInOrder(): CleanUp {
  const undos: (() => Promise<void>)[] = [];
  let closed = false;
  return {
    add(undo) {
      // Added during the clean-up: run at once.
      if (closed) void undo().catch(() => {});
      else undos.push(undo);
    },
    async run() {
      closed = true;
      // A step that fails must not prevent the others.
      for (let undo = undos.pop(); undo; undo = undos.pop()) await undo().catch(() => {});
    },
  };
}
