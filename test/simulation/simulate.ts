// Plays one seed: one run, in virtual time, with checks at its end.
import { MEMO } from '../../core/names.ts';
import { transcriptProblem } from '../../core/transcript.ts';
import type { Message, RunResult, RunStatus, Spend, TranscriptPage } from '../../core/types.ts';
import { compareEnd } from './compare.ts';
import { Model } from './model.ts';
import { profileOf } from './profile.ts';
import { Random } from './random.ts';
import type { Sandbox } from './sandbox.ts';
import { type Listener, Server } from './server.ts';
import { Violation } from './violation.ts';
import { Witness } from './witness.ts';
import { World } from './world.ts';

export interface Simulated {
  readonly status: RunStatus;
  /** How often what happened: answers by kind, commands by their result. */
  readonly counts: Readonly<Record<string, number>>;
}

/** Any moment; a fixed one, so that a seed is the same run on every day. */
const BEGINNING_MS = Date.UTC(2026, 0, 1);

/** Plays the run of a seed. Throws a Violation where it breaks a contract. `say` hears of every task. */
export async function simulate(sandbox: Sandbox, seed: number, say?: (line: string) => void): Promise<Simulated> {
  const random = new Random(seed);
  const profile = profileOf(random);
  const workflowId = `run-${seed}`;
  const witness = new Witness(profile.input, workflowId, profile.parent?.rootRunId ?? `${workflowId}-chain`);
  const model = new Model(random, profile);
  const server = new Server({
    sandbox,
    random,
    chances: profile.chances,
    listener: say ? told(witness, say) : witness,
    workflowId,
    input: profile.input,
    parentId: profile.parentId,
    parent: profile.parent,
    nowMs: BEGINNING_MS,
  });
  try {
    await new World({ random, profile, server, model, witness }).play();
    const status = await lookAtEnd(server, witness);
    await server.replay();
    return { status, counts: { ...witness.counts, ...server.counts } };
  } finally {
    await server.close();
  }
}

function told(witness: Witness, say: (line: string) => void): Listener {
  return {
    taken(jobs) {
      say(`  < ${JSON.stringify(jobs.map((job) => witness.describe(job)))}`);
      witness.taken(jobs);
    },
    asked(commands) {
      for (const command of commands) say(`  > ${JSON.stringify(command)}`);
      witness.asked(commands);
    },
  };
}

async function lookAtEnd(server: Server, witness: Witness): Promise<RunStatus> {
  const end = server.end!;
  if (end.how === 'failed') throw new Violation(`The workflow failed: ${end.said}`);
  const transcript = await wholeTranscript(server);
  const problem = transcriptProblem(transcript);
  if (problem) throw new Violation(`The transcript is invalid: ${problem}`);
  keepsWhatWasSaid(witness, transcript);
  answersEachCall(witness, transcript);
  const heard = hearsEachMessage(witness, transcript);
  compareEnd(server.historian, transcript, witness.sent, end.how === 'cancelled' ? null : (end.said as RunResult));
  if (end.how === 'cancelled') {
    if (!witness.isCancelled) throw new Violation('It is cancelled, and nobody asked for it.');
    leavesItsMemo(server, witness, 'cancelled');
    return 'cancelled';
  }
  const result = end.said as RunResult;
  const unheard = witness.said.length - heard;
  if (unheard > 0 && result.status === 'completed')
    throw new Violation(`It completed with ${unheard} messages unheard.`);
  if (unheard > 0 && !result.warnings.some(({ code }) => code === 'messages_unanswered') && result.warnings.length < 50)
    throw new Violation(`It ended with ${unheard} messages unheard, and does not say so.`);
  addsUp(result, server, witness, transcript);
  leavesItsMemo(server, witness, result.status, result.spend);
  return result.status;
}

async function wholeTranscript(server: Server): Promise<Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const page = await server.query<TranscriptPage>('transcript', messages.length, 1_000);
    messages.push(...page.messages);
    if (messages.length >= page.length) return messages;
  }
}

function keepsWhatWasSaid({ seen }: Witness, transcript: readonly Message[]): void {
  const changed = seen.findIndex((message, at) => JSON.stringify(message) !== JSON.stringify(transcript[at]));
  if (changed >= 0)
    throw new Violation(
      `Message ${changed} was sent as ${JSON.stringify(seen[changed])}, and is ${JSON.stringify(transcript[changed])}.`,
    );
}

/** Each call has its own answer: what its tool, its sub-agent or a person said of it, or why it did not run. */
function answersEachCall(witness: Witness, transcript: readonly Message[]): void {
  const places = new Map([...witness.calls.values()].map((call) => [call.call.id, call]));
  for (const message of transcript) {
    if (message.role !== 'tool') continue;
    const call = places.get(message.tool_call_id);
    if (!call) throw new Violation(`${message.tool_call_id} is answered, and no model made it.`);
    const { place, planned, result, decision } = call;
    const told = message.content;
    const kind = /"kind":"(\w+)"\}$/.exec(told)?.[1];
    const wants = (isRight: boolean, what: string) => {
      if (!isRight) throw new Violation(`The call ${place} is told as ${told}, and ${what}.`);
    };
    if ('problem' in planned) wants(kind === planned.problem.kind, `its plan says ${JSON.stringify(planned.problem)}`);
    else if (call.hasStarted && result === null) wants(false, 'nothing has come of it');
    else if (result && 'text' in result) wants(told.endsWith(result.text), `it answered ${result.text}`);
    else if (result) wants(result.failed.includes(kind ?? ''), `it failed as ${result.failed}`);
    else if (decision?.verdict === 'respond' && !planned.ask?.input)
      wants(told === decision.text, `a person answered ${decision.text}`);
    else if (decision?.verdict === 'reject') wants(kind === 'rejected', 'a person rejected it');
    else if (planned.handoff === undefined) wants(kind === 'cancelled' || kind === 'rejected', 'it has not run');
  }
}

/** How many of the messages that were taken were heard: the model was sent them, or would be with the next call. */
function hearsEachMessage({ said, heard, seen }: Witness, transcript: readonly Message[]): number {
  const last = transcript
    .slice(seen.length)
    .flatMap(({ role, content }) => (role === 'user' && content ? [content] : []));
  const all = [...heard, ...last].filter((text) => text.startsWith('say: ') && text !== 'say: begin');
  for (const [at, text] of all.entries()) {
    if (all.indexOf(text) !== at) throw new Violation(`"${text}" is heard twice.`);
    if (!said.includes(text)) throw new Violation(`"${text}" is heard, and was not taken.`);
  }
  return all.length;
}

function addsUp(result: RunResult, server: Server, witness: Witness, transcript: readonly Message[]): void {
  const counted = { turns: witness.turns, transcriptLength: transcript.length, calls: witness.calls.size };
  for (const [name, value] of Object.entries(counted))
    if (result[name as keyof typeof counted] !== value)
      throw new Violation(`Its result has ${name} ${result[name as keyof typeof counted]}, and it was ${value}.`);
  const { activeMs } = result.spend;
  if (!(activeMs >= 0 && activeMs <= server.nowMs - BEGINNING_MS))
    throw new Violation(`It was active for ${activeMs} ms of ${server.nowMs - BEGINNING_MS}.`);
}

function leavesItsMemo({ memo, attributes }: Server, witness: Witness, status: RunStatus, spend?: Spend): void {
  const paid = { ...witness.totalSpend, activeMs: 0 };
  const same = (other: unknown) => JSON.stringify({ ...(other as Spend), activeMs: 0 }) === JSON.stringify(paid);
  if (spend && !same(spend))
    throw new Violation(`It says that it spent ${JSON.stringify(spend)}, and it was ${JSON.stringify(paid)}.`);
  if (witness.agent?.index === undefined) return;
  if (memo[MEMO.status] !== status)
    throw new Violation(`Its memo says that it ended as ${memo[MEMO.status]}, not ${status}.`);
  if (!same(memo[MEMO.spend]))
    throw new Violation(
      `Its memo has the spend ${JSON.stringify(memo[MEMO.spend])}, and it was ${JSON.stringify(paid)}.`,
    );
  if (memo[MEMO.waits])
    throw new Violation(`It is over, and its memo still shows ${JSON.stringify(memo[MEMO.waits])}.`);
  if (memo[MEMO.agent] !== witness.input.agent)
    throw new Violation(`Its memo has lost the agent: ${JSON.stringify(memo)}`);
  if (attributes['HoldfastWaitingSince'])
    throw new Violation('It is over, and its attribute still says that it waits.');
  const { index } = witness.agent;
  if (index === 'status' && attributes['HoldfastStatus'] !== status)
    throw new Violation(`Its attribute says that it ended as ${attributes['HoldfastStatus']}, not ${status}.`);
  if (index === 'status' && attributes['HoldfastTokens'] !== paid.inputTokens + paid.outputTokens)
    throw new Violation(
      `Its attribute has ${attributes['HoldfastTokens']} tokens, and it spent ${JSON.stringify(paid)}.`,
    );
  if (index !== 'status' && attributes['HoldfastStatus'])
    throw new Violation('It has written an attribute that is not there.');
}
