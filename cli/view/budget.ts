// Budgets on the command line: parsing and formatting.
import { InvalidArgumentError } from 'commander';
import { type Duration, durationMs } from '../../core/duration.ts';
import { costText } from '../../core/reasons/english.ts';
import { count, plural } from '../../core/text.ts';
import type { Budget, Spend } from '../../core/types.ts';
import { seconds } from '../terminal/screen.ts';

type Limit = keyof Omit<Budget, 'atLimit'>;

/** Limits by the name to type. */
const LIMITS: Readonly<Record<string, Limit>> = {
  tokens: 'tokens',
  cost: 'cost',
  'model-calls': 'modelCalls',
  'tool-calls': 'toolCalls',
  active: 'activeMs',
};

export const BUDGET_EXAMPLE = 'tokens=20000,cost=1.50,active=2h,ask';
export const BUDGET_HELP = `any of ${Object.keys(LIMITS).join(', ')}, and ask or stop at a limit: ${BUDGET_EXAMPLE}`;

/** `tokens=20000,cost=1.50,ask` */
export function parseBudget(text: string): Budget {
  const budget: { -readonly [K in keyof Budget]: Budget[K] } = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === 'ask' || part === 'stop') {
      budget.atLimit = part;
      continue;
    }
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(part) ?? [];
    const limit = Object.hasOwn(LIMITS, name) ? LIMITS[name] : undefined;
    if (!limit) throw new InvalidArgumentError(`"${part}" is not a limit. Expected ${BUDGET_HELP}`);
    budget[limit] = limit === 'activeMs' ? parseDuration(value) : parseAmount(value);
  }
  return budget;
}

export function parseAmount(text: string): number {
  const amount = Number(text);
  if (text.trim() === '' || !Number.isFinite(amount) || amount <= 0)
    throw new InvalidArgumentError('Expected a number above 0.');
  return amount;
}

export function parseDuration(text: string): number {
  const trimmed = text.trim();
  // durationMs returns NaN for text that is no duration.
  const ms = durationMs(trimmed as Duration);
  const invalid = (problem: string) =>
    new InvalidArgumentError(`"${trimmed}" ${problem}. Give a number and a unit: "30 seconds", "90s", "2h".`);
  if (Number.isNaN(ms)) throw invalid('is not a duration');
  // Temporal reads a bare number as milliseconds, which is never what `--active 30` means.
  if (!/[a-z]$/i.test(trimmed)) throw invalid('has no unit');
  if (ms < 1) throw invalid('is not above 0');
  return ms;
}

/** `20,000 tokens, cost 1.5, 2 h 00 min active; asks at the limit` */
export function budgetText({ atLimit, ...limits }: Budget): string {
  return `${limitsText(limits)}; ${atLimit === 'ask' ? 'asks' : 'stops'} at the limit`;
}

export function limitsText({ tokens, cost, modelCalls, toolCalls, activeMs }: Budget): string {
  return [
    tokens === undefined ? '' : plural(tokens, 'token'),
    cost === undefined ? '' : `cost ${cost}`,
    modelCalls === undefined ? '' : plural(modelCalls, 'model call'),
    toolCalls === undefined ? '' : plural(toolCalls, 'tool call'),
    activeMs === undefined ? '' : `${seconds(activeMs)} active`,
  ]
    .filter(Boolean)
    .join(', ');
}

export function spendText({ inputTokens, outputTokens, cost, modelCalls, toolCalls, activeMs }: Spend): string {
  return [
    `${count(inputTokens + outputTokens)} tokens`,
    cost > 0 ? `cost ${costText(cost)}` : '',
    plural(modelCalls, 'model call'),
    plural(toolCalls, 'tool call'),
    // Not known before the end.
    activeMs > 0 ? `${seconds(activeMs)} active` : '',
  ]
    .filter(Boolean)
    .join(', ');
}
