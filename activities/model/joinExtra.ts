// Joins the pieces of what a provider sends beside text and calls. A block of reasoning is signed as a whole: in pieces, it would be
// refused in the next turn.

/** Fields as they came, joined over the pieces of a stream. */
export type Extra = Readonly<Record<string, unknown>>;

type Own = Record<string, unknown>;

/** Texts that are sent in pieces. Any other, such as a format or the name of a channel, is repeated or replaced. */
const TEXTS = new Set(['reasoning_content', 'reasoning', 'reasoning_text', 'thinking', 'text', 'summary', 'data']);

/** Blocks grow one after the other, or a few at a time. To search all of a long list for each piece would take the square of its length. */
const GROWING_MAX = 64;

/** Adds the piece to `before`, which must be ours: to copy it for each piece would take the square of its length. */
export function joinExtra(before: Own | undefined, piece: Extra | undefined): Extra | undefined {
  if (!piece) return before;
  return joinFields(before ?? {}, piece);
}

function joinFields(before: Own, piece: Extra): Own {
  for (const [name, value] of Object.entries(piece)) {
    // The one name by which an assignment reaches another object.
    if (name === '__proto__') continue;
    before[name] = joinField(name, Object.hasOwn(before, name) ? before[name] : undefined, value);
  }
  return before;
}

function joinField(name: string, before: unknown, piece: unknown): unknown {
  // The last piece of a block has the signature, and may leave out the rest.
  if (isEmpty(piece)) return before ?? piece;
  if (Array.isArray(piece)) return joinList(Array.isArray(before) ? before : [], piece);
  if (isFields(piece)) return joinFields(isFields(before) ? before : {}, piece);
  if (typeof before === 'string' && typeof piece === 'string' && TEXTS.has(name)) return before + piece;
  return piece;
}

function joinList(before: unknown[], pieces: readonly unknown[]): unknown[] {
  // What comes in one list without numbers is one block each.
  const ended = before.length;
  for (const piece of pieces)
    if (isFields(piece)) addBlock(before, piece, ended);
    else before.push(joinField('', undefined, piece));
  return before;
}

/** Adds a block to a list, or joins it to one there. `ended`: how many the list had before those that came together with this one. */
export function addBlock(list: unknown[], piece: Extra, ended: number): void {
  const block = growingBlock(list, piece, ended);
  if (block) joinBlock(block, piece);
  else list.push(joinFields({}, piece));
}

/** The block of the list that the piece continues: of its type and number, or the last one, if it has no number and is of its type. */
function growingBlock(list: readonly unknown[], piece: Extra, ended: number): Own | undefined {
  if (typeof piece['type'] !== 'string') return undefined;
  if (!isEmpty(piece['index'])) {
    for (let i = list.length - 1; i >= Math.max(0, list.length - GROWING_MAX); i--) {
      const block = list[i];
      if (isFields(block) && block['index'] === piece['index'] && isOfOneBlock(block, piece)) return block;
    }
    return undefined;
  }
  const last = list[ended - 1];
  if (list.length > ended || !isFields(last) || !isOfOneBlock(last, piece)) return undefined;
  // OpenRouter has sent signatures without the number of their block.
  if (!isEmpty(last['index']) && [...TEXTS].some((name) => !isEmpty(piece[name]))) return undefined;
  return canGrow(last, piece) ? last : undefined;
}

function isOfOneBlock(block: Extra, piece: Extra): boolean {
  const isSameId = isEmpty(block['id']) || isEmpty(piece['id']) || block['id'] === piece['id'];
  return block['type'] === piece['type'] && isSameId;
}

/** Without numbers, a signature ends a block, and what is encrypted is one by itself. */
function canGrow(block: Extra, piece: Extra): boolean {
  return isEmpty(block['signature']) && isEmpty(block['data']) && isEmpty(piece['data']);
}

/** LiteLLM repeats the whole text with the signature. */
function joinBlock(block: Own, piece: Extra): void {
  const isRepeated = (name: string) => {
    const [before, now] = [block[name], piece[name]];
    return typeof before === 'string' && typeof now === 'string' && before !== '' && now.startsWith(before);
  };
  const repeated = isEmpty(piece['signature']) ? [] : [...TEXTS].filter(isRepeated);
  for (const name of repeated) block[name] = '';
  joinFields(block, piece);
}

export function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

function isFields(value: unknown): value is Own {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
