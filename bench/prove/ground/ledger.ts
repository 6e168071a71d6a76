// The effects of the proof's tools, in a PostgreSQL that is never disturbed: effects are counted, not assumed.
import pg from 'pg';

/** A call: its run and its call id. */
export interface CallPlace {
  readonly workflowId: string;
  readonly place: string;
}

interface Queries {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

export const ONCE_TABLE = 'happened';

export async function writeStart(db: Queries, { workflowId, place }: CallPlace, attempt: number): Promise<void> {
  await db.query('insert into starts (workflow_id, place, attempt, pid, at_ms) values ($1, $2, $3, $4, $5)', [
    workflowId,
    place,
    attempt,
    process.pid,
    Date.now(),
  ]);
}

export async function writeEffect(db: Queries, { workflowId, place }: CallPlace, tool: string): Promise<void> {
  await db.query('insert into effects (workflow_id, place, tool, pid) values ($1, $2, $3, $4)', [
    workflowId,
    place,
    tool,
    process.pid,
  ]);
}

/** The number of effects of each call of a run, by call id; calls without an effect are absent. */
export type Effects = ReadonlyMap<string, number>;

export interface Start {
  readonly attempt: number;
  readonly pid: number;
  readonly atMs: number;
}

export interface Ledger {
  readonly url: string;
  effects(workflowId: string): Promise<Effects>;
  /** The attempts of a call, in order. */
  starts(call: CallPlace): Promise<Start[]>;
  close(): Promise<void>;
}

export async function openLedger(url: string): Promise<Ledger> {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  await pool.query(`
    create table starts (workflow_id text, place text, attempt int, pid int, at_ms double precision);
    create table effects (workflow_id text, place text, tool text, pid int);
    create index on starts (workflow_id, place);
    create index on effects (workflow_id);`);
  return {
    url,
    async effects(workflowId) {
      const { rows } = await pool.query<{ place: string; times: number }>(
        'select place, count(*)::int as times from effects where workflow_id = $1 group by place',
        [workflowId],
      );
      return new Map(rows.map(({ place, times }) => [place, times]));
    },
    async starts({ workflowId, place }) {
      const { rows } = await pool.query<{ attempt: number; pid: number; at_ms: number }>(
        'select attempt, pid, at_ms from starts where workflow_id = $1 and place = $2 order by at_ms',
        [workflowId, place],
      );
      return rows.map(({ attempt, pid, at_ms }) => ({ attempt, pid, atMs: at_ms }));
    },
    close: () => pool.end(),
  };
}
