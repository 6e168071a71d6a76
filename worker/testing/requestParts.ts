// The parts of the requests of a run, as digests: a test notices by them that an agent asks its model something else.
import { hash } from 'node:crypto';
import { exactRequest } from '../../client/requests/exactRequest.ts';
import type { ModelRequest } from '../../client/requests/requestOf.ts';
import type { Run } from '../../core/read/run.ts';
import { sortedFields } from '../../core/sortedFields.ts';
import { fieldsOf } from '../../core/wire/fields.ts';
import { splitBody } from '../../core/wire/requestItems.ts';

/** The requests of a recording. */
export interface RecordedRequests {
  /** By turn, in order. */
  readonly turns: readonly RecordedParts[];
  /** Parts that were other when the same run was played twice, and are not compared. */
  readonly unstable: readonly string[];
}

export interface RecordedParts {
  readonly turn: number;
  /**
   * Digests by part, such as `instructions`, `tool refund`, `temperature` or `message 2`: of those that are other than in the turn before.
   * null for one that is no longer there.
   */
  readonly parts: Readonly<Record<string, string | null>>;
}

type Parts = ReadonlyMap<string, string>;

/** Compares two plays of the same run as well: what differs in them says nothing. */
export function recordedRequests(run: Run, again: Run): RecordedRequests {
  const [one, other] = [partsByTurn(run), partsByTurn(again)];
  const unstable = new Set([...one].flatMap(([turn, parts]) => differing(parts, other.get(turn) ?? new Map())));
  let before: Parts = new Map();
  const turns = [...one].map(([turn, all]): RecordedParts => {
    const parts = new Map([...all].filter(([name]) => !unstable.has(name)));
    const changed = differing(before, parts).map((name) => [name, parts.get(name) ?? null]);
    before = parts;
    return { turn, parts: Object.fromEntries(changed) };
  });
  return { turns, unstable: [...unstable] };
}

/** Returns what is other in the requests of a run, each part once, where it first is: `turn 1: instructions, tool refund`. */
export function changedRequests({ turns, unstable }: RecordedRequests, run: Run): string[] {
  const now = partsByTurn(run);
  const known = new Set(unstable);
  const before = new Map<string, string>();
  return turns.flatMap(({ turn, parts }) => {
    for (const [name, digest] of Object.entries(parts))
      if (digest === null) before.delete(name);
      else before.set(name, digest);
    // That the run has fewer turns is seen by its calls.
    const changed = differing(before, now.get(turn) ?? before).filter((name) => !known.has(name));
    for (const name of changed) known.add(name);
    return changed.length === 0 ? [] : [`turn ${turn}: ${changed.join(', ')}`];
  });
}

/** Which parts are other, or only in one of them. */
function differing(a: Parts, b: Parts): string[] {
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
}

/** Of the turns that asked the model. */
function partsByTurn(run: Run): ReadonlyMap<number, Parts> {
  return new Map(
    run.turns.flatMap(({ turn }) => {
      const request = exactRequest(run, turn);
      return request ? [[turn, partsOf(request)] as const] : [];
    }),
  );
}

function partsOf({ api, body }: ModelRequest): Parts {
  const { frame, items } = splitBody(body, api ?? 'chat') ?? { frame: body, items: [] };
  // What stands in the place of messages says nothing.
  const { tools, messages: _messages, input: _input, instructions: _instructions, ...parameters } = frame;
  const [first] = items.map(fieldsOf);
  const instructions = first?.['instructions'] ?? (first?.['role'] === 'system' ? first['content'] : undefined);
  const rest = instructions === undefined ? items : items.slice(1);
  const named: [string, unknown][] = [
    ['api', api],
    ...(instructions === undefined ? [] : [['instructions', instructions] as [string, unknown]]),
    ...(Array.isArray(tools) ? tools : []).map((tool): [string, unknown] => [`tool ${nameOf(tool)}`, tool]),
    ...Object.entries(parameters),
    ...rest.map((item, at): [string, unknown] => [`message ${at + 1}`, item]),
  ];
  return new Map(named.map(([name, value]) => [name, digestOf(value)]));
}

function nameOf(tool: unknown): string {
  const { name, type, function: called } = fieldsOf(tool);
  return String(fieldsOf(called)['name'] ?? name ?? type);
}

/** 64 bits: it is to find a change, and nobody gains from a collision. */
function digestOf(value: unknown): string {
  return hash('sha256', JSON.stringify(sortedFields(value)) ?? 'null', 'hex').slice(0, 16);
}
