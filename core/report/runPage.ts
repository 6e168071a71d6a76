// A run as one page that opens from disk: no script, nothing to load, and all text of the run is escaped.
import { withLabels } from '../attachmentLabels.ts';
import { callActivityId } from '../names.ts';
import { failingSentence, failingStep } from '../read/failingPath.ts';
import type { Call, Run, Turn } from '../read/run.ts';
import { criticalPath, timeSplit } from '../read/timeSplit.ts';
import { CAUSE_WORDS, percent, sharesOf } from '../read/timeWords.ts';
import { count, seconds } from '../text.ts';
import { markupText } from './markup.ts';
import { costRows, costWords, runFacts } from './runFacts.ts';
import { TIMELINE_STYLE, timelineSvg } from './timelineSvg.ts';

const STYLE = `${TIMELINE_STYLE}
:root { color-scheme: light dark; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1000px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 22px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 36px 0 8px; }
h3 { font-size: 15px; margin: 24px 0 4px; }
.id, .about { color: var(--dim); overflow-wrap: anywhere; }
.failure { border-left: 4px solid var(--bad); padding: 6px 12px; margin: 16px 0; overflow-wrap: anywhere; }
a { color: var(--model); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 16px 0; }
dt { color: var(--dim); }
dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: 100%; }
th, td { text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid var(--grid); vertical-align: top; }
th { color: var(--dim); font-weight: normal; }
td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
pre { margin: 4px 0; padding: 8px 12px; border: 1px solid var(--grid); border-radius: 6px; font: 13px/1.45 ui-monospace, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; max-height: 480px; overflow-y: auto; }
details { margin: 6px 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
.bad { color: var(--bad); }
:target { outline: 2px solid var(--model); outline-offset: 4px; }
`;

/** Returns an HTML document that needs nothing else. `nowMs`: until when an open run is shown; defaults to its last event. */
export async function runPage(run: Run, nowMs: number = run.times.toMs): Promise<string> {
  const policy = `default-src 'none'; style-src 'sha256-${await sha256(STYLE)}'; base-uri 'none'; form-action 'none'`;
  const sections = [
    head(run, nowMs),
    section('Input', pre(withLabels(run.input, run.attachments))),
    run.context === null ? '' : section('Context', pre(JSON.stringify(run.context, null, 2))),
    run.output === null ? '' : section('Output', pre(run.output)),
    section('Where the time went', splitTable(run, nowMs)),
    section('Timeline', `<div class="wide">${timelineSvg(run, { isBare: true, nowMs })}</div>`),
    section('Critical path', pathTable(run, nowMs)),
    section('What it has cost', costTable(run)),
    section('Turns', run.turns.map(turnSection).join('')),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${markupText(`${run.agent}: ${run.workflowId}`)}</title>
<style>${STYLE}</style>
</head>
<body class="holdfast"><main>
${sections.filter(Boolean).join('\n')}
</main></body>
</html>
`;
}

async function sha256(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...digest));
}

function head(run: Run, nowMs: number): string {
  const { agent, workflowId, reason, warnings, questions } = run;
  const facts = runFacts(run, nowMs).map(([name, value]) => `<dt>${name}</dt><dd>${markupText(value)}</dd>`);
  const more = [
    ...(reason === null ? [] : [['Reason', reason]]),
    ...warnings.map(({ text }) => ['Warning', text]),
    ...questions.map((question) => [
      'Waits for',
      question.kind === 'budget' ? 'a higher budget' : `a decision about call ${question.call}`,
    ]),
  ].map(([name = '', value = '']) => `<dt>${name}</dt><dd>${markupText(value)}</dd>`);
  return `<h1>${markupText(agent)}</h1><div class="id">${markupText(workflowId)}</div>${failure(run)}<dl>${[...facts, ...more].join('')}</dl>`;
}

function failure(run: Run): string {
  const step = failingStep(run);
  if (!step) return '';
  const target = step.call === null ? `turn-${step.turn}` : `call-${step.call}`;
  return `<div class="failure">${markupText(failingSentence(step))} <a href="#${target}">Show it</a></div>`;
}

function splitTable(run: Run, nowMs: number): string {
  const rows = sharesOf(timeSplit(run, nowMs)).map(({ cause, ms, share }) => {
    const width = Math.max(1, Math.round(share * 300));
    const bar = `<svg width="300" height="12" role="presentation"><rect class="${cause}" width="${width}" height="12" rx="2"/></svg>`;
    return [CAUSE_WORDS[cause], number(percent(share)), number(seconds(ms)), bar];
  });
  return table(['', number(''), number(''), ''], rows);
}

function pathTable(run: Run, nowMs: number): string {
  const steps = criticalPath(run, nowMs);
  const rows = steps.map(({ what, turn, call, name, fromMs, toMs, attempts }) => [
    link(call === null ? `turn-${turn}` : `call-${call}`, call === null ? `turn ${turn}, ${what}` : `call ${call}`),
    markupText(name ?? ''),
    number(count(attempts)),
    number(seconds(toMs - fromMs)),
  ]);
  const about = '<p class="about">The model call of each turn, and the call that the turn waited for last.</p>';
  return about + table(['', '', number('attempts'), number('')], rows);
}

function costTable(run: Run): string {
  const rows = costRows(run).map(({ what, name, cost }) => [
    markupText(what),
    markupText(name),
    number(count(cost.inputTokens)),
    number(count(cost.cachedTokens)),
    number(count(cost.outputTokens)),
    number(costWords(cost)),
  ]);
  const heads = ['', '', ...['tokens in', 'cached', 'out', run.spend.cost > 0 ? 'cost' : ''].map(number)];
  return table(heads, rows);
}

function turnSection({
  turn,
  agent,
  userMessages,
  startedAtMs,
  answeredAtMs,
  model,
  text,
  error,
  calls,
}: Turn): string {
  const took = answeredAtMs === null ? 'no answer yet' : `in ${seconds(answeredAtMs - startedAtMs)}`;
  const about = [agent, model ?? '', took].filter(Boolean).join(', ');
  return [
    `<h3 id="turn-${turn}">Turn ${turn}</h3><div class="about">${markupText(about)}</div>`,
    ...userMessages.map((message) => `<div class="about">user</div>${pre(message)}`),
    ...(text === null ? [] : [`<div class="about">model</div>${pre(text)}`]),
    ...(error === null ? [] : [`<div class="bad">${markupText(error)}</div>`]),
    ...calls.map(callSection),
  ].join('');
}

function callSection({
  turn,
  slot,
  tool,
  arguments: asked,
  ok,
  kind,
  attempts,
  reason,
  text,
  childId,
  ...call
}: Call): string {
  const id = callActivityId(turn, slot);
  const took =
    call.scheduledAtMs === null || call.endedAtMs === null ? '' : seconds(call.endedAtMs - call.scheduledAtMs);
  const { decision } = call;
  const how = [
    kind?.replaceAll('_', ' ') ?? '',
    attempts > 1 ? `${attempts} attempts` : '',
    took,
    decision ? `${decision.verdict}${decision.by ? ` by ${decision.by}` : ''}` : '',
    childId === null ? '' : `run ${childId}`,
  ];
  const mark = ok === null ? '·' : ok ? '✓' : '✗';
  const title = `${mark} ${id} ${tool}: ${how.filter(Boolean).join(', ')}`;
  return [
    `<details id="call-${id}"${ok === false ? ' open' : ''}>`,
    `<summary${ok === false ? ' class="bad"' : ''}>${markupText(title)}</summary>`,
    pre(asked),
    ...(text === null ? [] : [pre(text)]),
    ...(reason === null || text?.includes(reason.text) ? [] : [`<div class="bad">${markupText(reason.text)}</div>`]),
    '</details>',
  ].join('');
}

function section(title: string, content: string): string {
  return `<section><h2>${title}</h2>${content}</section>`;
}

function pre(text: string): string {
  return `<pre>${markupText(text)}</pre>`;
}

function link(target: string, words: string): string {
  return `<a href="#${target}">${markupText(words)}</a>`;
}

/** A cell of a number, which is right-aligned. */
interface NumberCell {
  readonly number: string;
}

function number(text: string): NumberCell {
  return { number: markupText(text) };
}

/** Cells are markup already. */
function table(heads: readonly (string | NumberCell)[], rows: readonly (readonly (string | NumberCell)[])[]): string {
  const cell = (tag: 'th' | 'td', one: string | NumberCell) =>
    typeof one === 'string' ? `<${tag}>${one}</${tag}>` : `<${tag} class="number">${one.number}</${tag}>`;
  const line = (tag: 'th' | 'td', cells: readonly (string | NumberCell)[]) =>
    `<tr>${cells.map((one) => cell(tag, one)).join('')}</tr>`;
  return `<div class="wide"><table>${line('th', heads)}${rows.map((row) => line('td', row)).join('')}</table></div>`;
}
