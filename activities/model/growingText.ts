// Text that grows. Its end is read at each heartbeat, which must not cost what the whole text is long.

export interface GrowingText {
  readonly length: number;
  add(piece: string): void;
  /** The last characters. */
  end(chars: number): string;
  whole(): string;
}

export function growingText(): GrowingText {
  const pieces: string[] = [];
  let length = 0;
  return {
    get length() {
      return length;
    },
    add(piece) {
      if (piece === '') return;
      pieces.push(piece);
      length += piece.length;
    },
    end(chars) {
      let from = pieces.length;
      for (let found = 0; from > 0 && found < chars; from--) found += pieces[from - 1]!.length;
      const last = pieces.slice(from).join('');
      return last.slice(Math.max(0, last.length - chars));
    },
    whole: () => pieces.join(''),
  };
}
