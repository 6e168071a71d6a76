// A question of a run as a form (elicitation), and the filled-in form as a decision. Only the form decides: a person who declines
// or closes it leaves the question open, since some clients decline by themselves.
import { type InputRequest, inputRequired } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { CommandRejected, type RunHandle, RunOver } from '../../client/index.ts';
import { isRestricted } from '../../core/deciders.ts';
import { shownArguments } from '../../core/shownArguments.ts';
import type { Question } from '../../core/types.ts';
import { idText, inertJson, inertJsonLines, inertLine, inertQuestion } from '../terminal/inert.ts';
import type { OpenQuestion } from '../view/openQuestions.ts';
import { askedText } from '../view/people.ts';

/** Longer arguments are cut field by field. */
const ARGUMENTS_CHARS_MAX = 8_000;
const REASON_CHARS_MAX = 2_000;

const why = z.string().max(REASON_CHARS_MAX).optional().describe('Why, for the agent to read');
const FORMS = {
  approval: z.object({ decision: z.enum(['approve', 'reject']), reason: why }),
  external: z.object({
    decision: z.enum(['respond', 'reject']),
    text: z.string().optional().describe('The result of the call, if you respond'),
    reason: why,
  }),
  budget: z.object({
    decision: z.enum(['raise', 'stop']),
    limit: z.number().optional().describe('The new limit, if you raise it'),
  }),
} as const;

/** Whether it is for certain people, which is in the inbox: who fills in a form, only the client knows. */
export function isForOthers({ question }: OpenQuestion): boolean {
  return question.kind === 'approval' && isRestricted(question);
}

/** Names a question within its run. With the digest, an answer is only ever for the arguments that were shown. */
export function questionKey(question: Question): string {
  return question.kind === 'budget' ? `budget ${question.sinceMs}` : `${question.call} ${question.digest}`;
}

/** Returns the question with the key, if it is still open. */
export async function findQuestion(handle: RunHandle, key: string): Promise<OpenQuestion | undefined> {
  const question = (await handle.questions()).find((open) => questionKey(open) === key);
  return question && { key, handle, question };
}

/** Returns the form; `problem` says what was wrong with the last answer. */
export function questionForm({ handle, question }: OpenQuestion, problem: string | null): InputRequest {
  return inputRequired.elicit({
    message: [
      ...(problem === null ? [] : [inertLine(problem, 1_000)]),
      `Run ${idText(handle.workflowId)} ${asksText(question)}`,
    ].join('\n'),
    requestedSchema: FORMS[formOf(question)],
  });
}

function formOf(question: Question): keyof typeof FORMS {
  if (question.kind === 'budget') return 'budget';
  return question.external ? 'external' : 'approval';
}

function asksText(question: Question): string {
  if (question.kind === 'budget') return `has used up its budget: ${inertLine(question.reason, 1_000)}`;
  const args =
    question.arguments.length > ARGUMENTS_CHARS_MAX
      ? inertJson(shownArguments(question.arguments, ARGUMENTS_CHARS_MAX))
      : inertJsonLines(question.arguments).join('\n');
  const text = askedText(question);
  const asked = text === '' ? [] : [inertQuestion(text)];
  const wants = question.input
    ? 'needs an answer for'
    : question.external
      ? 'waits for the result of'
      : 'wants to call';
  return [`${wants} ${inertLine(question.tool, 64)} (call ${inertLine(question.call, 32)}) with`, args, ...asked].join(
    '\n',
  );
}

/** Carries out what was filled in. Returns what is wrong with it; null if the run has taken it, or needs it no more. */
export async function decideByForm(open: OpenQuestion, content: unknown, by: string): Promise<string | null> {
  const { handle, question } = open;
  const kind = formOf(question);
  const read = FORMS[kind].safeParse(content);
  if (!read.success) return `That was no answer: ${z.prettifyError(read.error)}`;
  try {
    if (question.kind === 'budget') return await decideBudget(handle, question, read.data, by);
    const { call, digest } = question;
    const { decision, reason, text } = read.data as { decision: string; reason?: string; text?: string };
    const said = { call, digest, by, ...(reason ? { why: reason } : {}) };
    if (decision === 'respond' && !text) return 'To respond, fill in the text.';
    if (decision === 'respond') await handle.decide({ ...said, verdict: 'respond', text: text! });
    else await handle.decide({ ...said, verdict: decision === 'approve' ? 'approve' : 'reject' });
    return null;
  } catch (error) {
    if (error instanceof RunOver) return null;
    if (error instanceof CommandRejected) return error.message;
    throw error;
  }
}

async function decideBudget(
  handle: RunHandle,
  { reached }: Extract<Question, { kind: 'budget' }>,
  content: object,
  by: string,
): Promise<string | null> {
  const { decision, limit } = content as z.infer<typeof FORMS.budget>;
  if (decision === 'stop') await handle.stop({ by });
  else if (limit === undefined) return 'To raise the budget, fill in the new limit.';
  else await handle.raise({ [reached.parameters.limit]: limit }, { by });
  return null;
}
