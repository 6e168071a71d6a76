// Budgets on the command line: how they are typed, and how they read.
import { InvalidArgumentError } from 'commander';
import { type Duration, durationMs } from '../../core/duration.ts';
import { costText } from '../../core/reasons/english.ts';
import { count, plural } from '../../core/text.ts';
import type { Budget, Spend } from '../../core/types.ts';
import { seconds } from '../terminal/screen.ts';

type Limit = keyof Omit<Budget, 'atLimit'>;

/** How a limit is named where it is typed. */
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
export function budgetTyped(text: string): Budget {
  const budget: { -readonly [K in keyof Budget]: Budget[K] } = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    if (part === 'ask' || part === 'stop') {
      budget.atLimit = part;
      continue;
    }
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(part) ?? [];
    const limit = Object.hasOwn(LIMITS, name) ? LIMITS[name] : undefined;
    if (!limit)
      throw new InvalidArgumentError(
        `"${part}" is no limit. There are ${Object.keys(LIMITS).join(', ')}, and ask or stop: ${BUDGET_EXAMPLE}`,
      );
    budget[limit] = limit === 'activeMs' ? timeTyped(value) : amountTyped(value);
  }
  return budget;
}

export function amountTyped(text: string): number {
  const amount = Number(text);
  if (text.trim() === '' || !Number.isFinite(amount) || amount <= 0)
    throw new InvalidArgumentError('Give a number above 0.');
  return amount;
}

export function timeTyped(text: string): number {
  const typed = text.trim();
  // Typed text is not known to be a duration until it is parsed.
  const ms = durationMs(typed as Duration);
  const wrong = (what: string) =>
    new InvalidArgumentError(`"${typed}" ${what}. Give a number and a unit: "30 seconds", "90s", "2h".`);
  if (Number.isNaN(ms)) throw wrong('is not a duration');
  // Temporal reads a bare number as milliseconds, which nobody means who types `--active 30`.
  if (!/[a-z]$/i.test(typed)) throw wrong('has no unit');
  if (ms < 1) throw wrong('is not above 0');
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
    // Known at the end.
    activeMs > 0 ? `${seconds(activeMs)} active` : '',
  ]
    .filter(Boolean)
    .join(', ');
}
