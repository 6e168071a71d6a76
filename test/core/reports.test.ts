// The page, the picture and the report of a run: whole for every golden run, and safe whatever its texts are.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Run } from '../../core/read/run.ts';
import { runMarkdown } from '../../core/report/runMarkdown.ts';
import { runPage } from '../../core/report/runPage.ts';
import { timelineSvg } from '../../core/report/timelineSvg.ts';
import { goldenNames, goldenRun } from '../support/goldenRuns.ts';

/** The tags of the documents; a text of the run can add none, and no attribute. */
const TAGS = new Set(
  'html head meta title style body main section h1 h2 h3 div dl dt dd p pre a table tr th td details summary svg defs pattern path rect line text g'.split(
    ' ',
  ),
);

function tagsIn(markup: string): string[] {
  // A style sheet is raw text.
  const text = markup.replace(/<style>[\s\S]*?<\/style>/g, '').replace(/^<!doctype html>/, '');
  const found = [...text.matchAll(/<\/?([^\s>/]*)([^>]*)>/g)];
  const rest = text.replace(/<\/?[a-z][a-z0-9]*(?: [a-zA-Z0-9:-]+="[^"<>]*"| open)*\/?>/g, '');
  assert.doesNotMatch(rest, /[<>]/, 'every bracket belongs to a tag of ours');
  return found.map(([, name = '']) => name);
}

/** Each start has its end, as XML asks for. */
function assertNested(markup: string): void {
  const open: string[] = [];
  for (const [, slash, name = '', self] of markup.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g))
    if (slash) assert.equal(open.pop(), name);
    else if (!self) open.push(name);
  assert.deepEqual(open, []);
}

for (const name of goldenNames)
  test(`makes a page, a picture and a report of ${name}`, async () => {
    const run = await goldenRun(name);
    const page = await runPage(run);
    for (const tag of tagsIn(page)) assert.ok(TAGS.has(tag), tag);
    for (const { turn, calls } of run.turns) {
      assert.ok(page.includes(`id="turn-${turn}"`));
      for (const { slot } of calls) assert.ok(page.includes(`id="call-${turn}.${slot}"`));
    }
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, target]) => target);
    for (const target of targets) assert.ok(page.includes(`id="${target}"`), target);
    const svg = timelineSvg(run);
    tagsIn(svg);
    assertNested(svg);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
    assert.doesNotMatch(page, /NaN|Infinity/);
    assert.match(runMarkdown(run), /^# Run /);
  });

const EVIL =
  '</title></style><script>alert(1)</script>"\'><img src=x onerror=alert(1)>&\u202e\u0000\u001b[2J\ud800`````\n|x|';

/** The run with this text wherever a model, a tool or a person writes one. */
function hostile(run: Run, text: string): Run {
  return {
    ...run,
    workflowId: text,
    agent: text,
    input: text,
    output: text,
    reason: text,
    context: { [text]: text },
    turns: run.turns.map((turn) => ({
      ...turn,
      agent: text,
      model: text,
      text,
      error: text,
      userMessages: [text],
      calls: turn.calls.map((call) => ({ ...call, tool: text, arguments: text, text, callId: text, childId: text })),
    })),
  };
}

test('turns no text of a run into markup', async () => {
  const run = hostile(await goldenRun('approved'), EVIL);
  const page = await runPage(run);
  const svg = timelineSvg(run);
  for (const document of [page, svg]) {
    for (const tag of tagsIn(document)) assert.ok(TAGS.has(tag), tag);
    assert.doesNotMatch(document, /<script|<img/);
    // Nothing that is invisible, or that no file can have.
    assert.doesNotMatch(document, /[[\p{Cc}--[\n\t]]\p{Bidi_Control}\p{Surrogate}]/v);
    assert.ok(document.includes('&lt;script&gt;'));
  }
  assertNested(svg);
});

test('keeps text of a run within code in Markdown', async () => {
  const report = runMarkdown(hostile(await goldenRun('approved'), EVIL));
  // Without its code, nothing of the text is left.
  const fenced = report.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '');
  const bare = fenced.replace(/(?<!`)(`+) .*? \1(?!`)/g, '');
  assert.doesNotMatch(bare, /script|onerror|x\|/);
});

test('lets the page load and run nothing, and applies only its own style sheet', async () => {
  const page = await runPage(await goldenRun('approved'));
  const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
  const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
  const digest = createHash('sha256').update(style).digest('base64');
  assert.equal(policy, `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`);
  assert.doesNotMatch(page, / style="|<script|https?:(?!\/\/www\.w3\.org\/2000\/svg)/);
});

test('keeps emoji in a page whole', async () => {
  const family = '👩‍👩‍👧 ❤️';
  assert.ok((await runPage({ ...(await goldenRun('approved')), output: family })).includes(family));
});

test('says in the picture how often a call was repeated', async () => {
  const run = await goldenRun('five-turns');
  const [first] = run.turns;
  const [call] = first?.calls ?? [];
  assert.ok(first && call);
  const turns = [1, 2, 3, 4].map((turn) => ({ ...first, turn, userMessages: [], calls: [{ ...call, turn, slot: 0 }] }));
  assert.match(timelineSvg({ ...run, turns }), /turns 1–4[\s\S]*same call × 4/);
});
