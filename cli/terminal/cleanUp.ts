// What must be undone at the end: the last thing first, all of it, once.
export interface CleanUp {
  add(undo: () => Promise<void>): void;
  run(): Promise<void>;
}

export function cleanUpInOrder(): CleanUp {
  const undos: (() => Promise<void>)[] = [];
  let closed = false;
  return {
    add(undo) {
      // What comes too late, while everything is being undone, is undone at once.
      if (closed) void undo().catch(() => {});
      else undos.push(undo);
    },
    async run() {
      closed = true;
      // One that fails must not keep the others.
      for (let undo = undos.pop(); undo; undo = undos.pop()) await undo().catch(() => {});
    },
  };
}
