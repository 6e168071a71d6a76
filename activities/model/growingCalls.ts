// Joins the pieces of a stream to calls. OpenAI's API numbers each call, and sends its id and name once. Compatible servers number
// none, or all of them 0; repeat the name in each piece, or send it in several; and give the pieces of one call new ids.
import { jsonBytes, utf8Length } from '../../core/text.ts';
import { type GrowingText, growingText } from './growingText.ts';
import { type Extra, joinExtra } from './joinExtra.ts';

export interface GrowingCall {
  id: string;
  name: string;
  readonly arguments: GrowingText;
  extra: Extra | undefined;
}

/** As the server sent it. Empty texts for what it did not send. */
export interface CallPiece {
  readonly index: number | undefined;
  readonly id: string;
  readonly name: string;
  readonly args: string;
  readonly extra: Extra | undefined;
}

export interface GrowingCalls {
  readonly count: number;
  /** In the order of their numbers; of those with the same number, as they came. */
  readonly all: readonly GrowingCall[];
  /** `position`: that of the piece in its list. Returns the bytes that were added. */
  add(piece: CallPiece, position: number): number;
}

interface Slot {
  readonly index: number;
  readonly call: GrowingCall;
  readonly braces: BraceCounter;
}

/** `tools`: the names that the model may call. They tell the next call from the rest of a name. */
export function growingCalls(tools: ReadonlySet<string> = new Set()): GrowingCalls {
  const slots: Slot[] = [];
  /** The last one of each number and of each id. */
  const byIndex = new Map<number, Slot>();
  const byId = new Map<string, Slot>();
  /** Those that the list of the last piece has named. */
  const inList = new Set<Slot>();

  /** The call that the piece may continue. */
  function candidate({ index, id, name }: CallPiece, position: number): Slot | undefined {
    const known = id === '' ? undefined : byId.get(id);
    if (known && (index === undefined || index === known.index)) return known;
    if (index !== undefined) return byIndex.get(index);
    // Pieces of several calls in one list are in their order.
    const isNext = name === '' && id === '' && position >= slots.length;
    return isNext ? undefined : slots.at(-1);
  }

  function open(index: number = slots.length): Slot {
    const call: GrowingCall = { id: '', name: '', arguments: growingText(), extra: undefined };
    const slot: Slot = { index, call, braces: countBraces() };
    slots.push(slot);
    byIndex.set(index, slot);
    return slot;
  }

  function continues({ index, id, name, args }: CallPiece, slot: Slot): boolean {
    const { call, braces } = slot;
    // A piece without a name continues, also under a new id.
    if (name === '') return true;
    const isSameId = id !== '' && (id === call.id || byId.get(id) === slot);
    const isNewId = id !== '' && call.id !== '' && !isSameId;
    // Two names in one list are two calls.
    if (inList.has(slot) && !isSameId) return false;
    // In the middle of the arguments any piece continues, unless it has an id of its own and nothing else to go by.
    if (braces.areOpen()) return !(isNewId && index === undefined);
    const isRepeated = name === call.name;
    if (call.arguments.length === 0) {
      if (isNewId) return isRepeated && index !== undefined;
      // Without a number and an id, nothing tells the rest of a name from the next call.
      const isSame = index !== undefined || (id !== '' && id === call.id);
      return isSame && (isRepeated || !(tools.has(call.name) && tools.has(name)));
    }
    if (isNewId) return false;
    return (id !== '' && id === call.id && (isRepeated || index !== undefined)) || (isRepeated && args.trim() === '');
  }

  return {
    get count() {
      return slots.length;
    },
    get all() {
      return slots.toSorted((a, b) => a.index - b.index).map(({ call }) => call);
    },
    add(piece, position) {
      if (position === 0) inList.clear();
      const found = candidate(piece, position);
      const slot = found && continues(piece, found) ? found : open(piece.index);
      const { call, braces } = slot;
      const before = call.id.length + call.name.length;
      call.id ||= piece.id;
      if (piece.id !== '') byId.set(piece.id, slot);
      if (piece.name !== '') inList.add(slot);
      // After the first arguments, a name is that of before again.
      if (call.arguments.length === 0) call.name = joinedName(call.name, piece.name);
      // Some servers send the whole call again.
      const isAgain = braces.areClosed() && isSame(piece.args, call.arguments);
      const args = isAgain ? '' : piece.args;
      call.arguments.add(args);
      braces.add(args);
      call.extra = joinExtra(call.extra, piece.extra);
      return (
        call.id.length + call.name.length - before + utf8Length(piece.args) + (piece.extra ? jsonBytes(piece.extra) : 0)
      );
    },
  };
}

function isSame(text: string, grown: GrowingText): boolean {
  return text.length === grown.length && text === grown.whole();
}

/** The name so far, and the next piece: the rest of it, the same again, or all of it up to here. */
function joinedName(name: string, piece: string): string {
  return piece.startsWith(name) ? piece : piece === '' ? name : name + piece;
}

interface BraceCounter {
  add(json: string): void;
  /** Whether an object has been opened, and not closed. */
  areOpen(): boolean;
  /** Whether an object has been opened and closed. */
  areClosed(): boolean;
}

/** Parsing the arguments again for each piece would take the square of their length. */
function countBraces(): BraceCounter {
  let depth = 0;
  let opened = false;
  let inText = false;
  let isEscaped = false;
  return {
    add(json) {
      for (const char of json) {
        if (inText) {
          if (isEscaped) isEscaped = false;
          else if (char === '\\') isEscaped = true;
          else if (char === '"') inText = false;
        } else if (char === '"') inText = true;
        else if (char === '{') {
          depth += 1;
          opened = true;
        } else if (char === '}') depth -= 1;
      }
    },
    areOpen: () => opened && depth > 0,
    areClosed: () => opened && depth <= 0,
  };
}
