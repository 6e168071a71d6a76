// Follows a run together with its sub-agents: the events of all of them, as they happen. The cursor of an event has the place in each
// run that is being followed: they run at the same time, so that none of them alone says what was yielded before.
import type { Client } from '@temporalio/client';
import type { RunEvent } from '../../core/read/run.ts';
import { InvalidList } from '../errors/errors.ts';
import { grpcCode } from '../errors/grpc.ts';
import type { ExecutionRef } from '../histories/history.ts';
import { limiter } from './atOnce.ts';
import { readEventId } from './eventIds.ts';
import { followRun } from './followRun.ts';
import { pause } from './pause.ts';

export type FamilyEvent = RunEvent & {
  /** The run that it is an event of. */
  readonly workflowId: string;
  /** The call ids that lead to that run: none for the run itself, `['2.0']` for the sub-agent of that call. */
  readonly path: readonly string[];
  /** The family's `after` continues after this event. Absent in events that are not in history. */
  readonly cursor?: string;
};

/** Sub-agents that have ended are read a few at a time: a long run may have had hundreds. */
const ENDED_AT_ONCE = 4;
/** For how long a sub-agent that is scheduled may not exist yet. */
const CHILD_AFTER_MS = 250;

interface FollowOptions {
  readonly signal?: AbortSignal | undefined;
  readonly after?: string | undefined;
}

/** A run that is being followed. */
interface Member {
  readonly workflowId: string;
  readonly path: readonly string[];
  readonly parent: Member | null;
  /** Its sub-agents that are in the cursor. */
  children: number;
  /** Its last event that was yielded; '' if there is none. */
  last: string;
  /** Whether any of its history was read. */
  isFound: boolean;
  /** Whether its call has ended, and with it the run. */
  isOver: boolean;
  /** Whether all of its events were yielded. */
  isDone: boolean;
}

export function followFamily(
  client: Client,
  root: ExecutionRef,
  { signal, after }: FollowOptions,
): ReadableStream<FamilyEvent> {
  const from = after === undefined ? null : readCursor(after);
  const stop = new AbortController();
  const until = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const open = new Map<string, Member>();
  const ended = limiter(ENDED_AT_ONCE);

  return new ReadableStream<FamilyEvent>({
    start(controller) {
      let following = 0;
      const begin = (member: Member, follow: () => Promise<void>) => {
        open.set(keyOf(member.path), member);
        if (member.parent) member.parent.children++;
        following++;
        follow().then(
          () => {
            leave(member);
            if (--following === 0 && !stop.signal.aborted) controller.close();
          },
          (error) => {
            if (!stop.signal.aborted) controller.error(error);
            stop.abort();
          },
        );
      };

      /** A cursor without a run that is done skips it, and so what its sub-agents still do. */
      function leave(member: Member): void {
        member.isDone = true;
        for (let one = member; one.isDone && one.children === 0 && one.parent; one = one.parent) {
          open.delete(keyOf(one.path));
          one.parent.children--;
        }
      }

      async function follow(member: Member, execution: ExecutionRef, parentRunIds: ReadonlySet<string> | null) {
        const { workflowId, path } = member;
        const children = new Map<string, Member>();
        const runIds = new Set<string>();
        const stream = followRun(client, execution, {
          signal: until,
          from: member.last === '' ? null : readEventId(member.last),
          onHistory(event, runId) {
            const start = event.workflowExecutionStartedEventAttributes;
            const { baseRunId, newRunId } = event.workflowTaskFailedEventAttributes ?? {};
            for (const id of [runId, start?.originalExecutionRunId, baseRunId, newRunId]) if (id) runIds.add(id);
            member.isFound = true;
            // Another run may have the id, and the call of it has failed then.
            const parent = start?.parentWorkflowExecution?.runId;
            return !start || parentRunIds === null || (typeof parent === 'string' && parentRunIds.has(parent));
          },
        });
        for await (const { event, isAfter } of stream) {
          if (until.aborted) return;
          if (event.type === 'call_scheduled' && event.childId !== null) {
            const { childId } = event;
            const child = newMember(childId, member, [...path, `${event.turn}.${event.slot}`]);
            // One whose call was scheduled before and that was followed to its end is not in the cursor.
            const known = from?.get(keyOf(child.path));
            if (isAfter || known !== undefined) {
              child.last = isAfter ? '' : (known ?? '');
              children.set(childId, child);
              begin(child, () => followChild(child, runIds));
            }
          }
          if (event.type === 'call_ended' && event.call.childId !== null) {
            const child = children.get(event.call.childId);
            if (child) child.isOver = true;
          }
          if (!isAfter) continue;
          if (event.id === undefined) controller.enqueue({ ...event, workflowId, path });
          else {
            member.last = event.id;
            controller.enqueue({ ...event, workflowId, path, cursor: cursorOf(open.values()) });
          }
        }
      }

      async function followChild(child: Member, parentRunIds: ReadonlySet<string>): Promise<void> {
        // By then it is known of most that have ended.
        await pause(CHILD_AFTER_MS, until);
        while (!until.aborted)
          try {
            const start = () => follow(child, { workflowId: child.workflowId }, parentRunIds);
            return await (child.isOver ? ended(start) : start());
          } catch (error) {
            if (grpcCode(error) !== 'notFound') throw error;
            // It was never started, or retention has deleted it.
            if (child.isOver || child.isFound) return;
            await pause(CHILD_AFTER_MS, until);
          }
      }

      const member = newMember(root.workflowId, null, []);
      member.last = from?.get('') ?? '';
      begin(member, () => follow(member, root, null));
    },
    cancel() {
      stop.abort();
    },
  });
}

function newMember(workflowId: string, parent: Member | null, path: readonly string[]): Member {
  return { workflowId, parent, path, children: 0, last: '', isFound: false, isOver: false, isDone: false };
}

function keyOf(path: readonly string[]): string {
  return path.join('/');
}

/** `:ID~2.0:ID` are the places in the run itself and in the sub-agent of call 2.0. */
function cursorOf(members: Iterable<Member>): string {
  return Array.from(members, ({ path, last }) => `${keyOf(path)}:${last}`).join('~');
}

/** Reads the last ids by path. */
function readCursor(cursor: string): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  for (const part of cursor.split('~')) {
    const [, path, id] = /^((?:\d+\.\d+(?:\/\d+\.\d+)*)?):([\w.-]*)$/.exec(part) ?? [];
    if (path === undefined || id === undefined) {
      const problem = `after is ${JSON.stringify(cursor)}. With family, pass the cursor of an event of events({ family: true }).`;
      throw new InvalidList('list_invalid', { problem });
    }
    if (id !== '') readEventId(id);
    places.set(path, id);
  }
  return places;
}
