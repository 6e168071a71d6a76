// The report of the proof: newer results replace older ones, the page keeps its text, and unreached rows are marked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, isReached, missedLines, pageWith, tableOf, withEntries } from '../../bench/prove/report.ts';
import type { Row } from '../../bench/prove/section.ts';

const row = (reached: boolean, more: Partial<Row> = {}): Row => ({
  what: 'results lost',
  asked: '0',
  measured: reached ? '0' : '3',
  reached,
  ...more,
});

const entry = (name: string, more: Partial<Entry> = {}): Entry => ({
  name,
  title: name,
  rows: [row(true)],
  figures: {},
  on: null,
  form: 'long',
  seed: 7,
  date: '2026-01-02',
  commit: 'abc1234',
  seconds: 12,
  machine: { cpus: 2, cpu: 'Processor', memoryGb: 8, system: 'Linux 6', versions: { Node: '24.0.0' } },
  ...more,
});

const NAMES = ['first', 'second', 'third'];

test('replaces a section that ran again, and keeps the others', () => {
  const before = { sections: [entry('second', { on: 'dev' }), entry('first'), entry('second', { on: 'topology' })] };
  const again = entry('second', { on: 'dev', commit: 'def5678' });
  const { sections } = withEntries(before, [entry('third'), again], NAMES);
  assert.deepEqual(
    sections.map(({ name, on, commit }) => [name, on, commit]),
    [
      ['first', null, 'abc1234'],
      ['second', 'dev', 'def5678'],
      ['second', 'topology', 'abc1234'],
      ['third', null, 'abc1234'],
    ],
  );
});

test('drops a section that no longer exists', () => {
  assert.deepEqual(withEntries({ sections: [entry('gone')] }, [entry('first')], NAMES).sections, [entry('first')]);
});

test('fails a section with an unreached row or without rows', () => {
  const isReachedWith = (form: Entry['form'], ...rows: Row[]) => isReached(entry('first', { form, rows }));
  assert.equal(isReachedWith('short', row(true), row(true)), true);
  assert.equal(isReachedWith('short', row(true), row(false)), false);
  assert.equal(isReachedWith('short'), false);
  assert.equal(isReachedWith('short', row(true), row(false, { isTime: true })), true, 'a time is only told');
  assert.equal(isReachedWith('long', row(true), row(false, { isTime: true })), false);
});

test('says of each unreached row which it is, where it ran and what was measured', () => {
  const rows = [
    row(true),
    row(false, { note: 'seed 7: r-1 did not end' }),
    row(false, { what: 'ended', isTime: true }),
  ];
  assert.deepEqual(missedLines(entry('first', { rows, on: 'The server, on SQLite; 1.2.3', form: 'short' })), [
    'Not reached: first (The server): results lost: 3, asked 0; seed 7: r-1 did not end',
  ]);
  assert.deepEqual(missedLines(entry('first', { rows: [] })), ['Not reached: first: nothing was measured']);
});

test('shows what was measured, when, where, and what was not reached', () => {
  const table = tableOf({
    sections: [
      entry('first', { on: 'The server, version 1', rows: [row(true), row(false, { note: 'seed 7: run 3' })] }),
    ],
  });
  for (const part of [
    '### first: The server\n',
    '2026-01-02',
    '`abc1234`',
    'seed 7',
    '12 s',
    '2 × Processor',
    'Node 24.0.0',
  ])
    assert.ok(table.includes(part), `${part} in ${table}`);
  assert.ok(table.includes('| results lost | 0 | 0 | yes |\n'));
  assert.ok(table.includes('| results lost | 0 | 3 | **no**: seed 7: run 3 |\n'));
});

test('escapes markup and table syntax', () => {
  const table = tableOf({ sections: [entry('first', { rows: [row(false, { note: 'a | b\n<script>' })] })] });
  assert.ok(table.includes('**no**: a \\| b &lt;script&gt; |\n'), table);
});

test("keeps the page's text, with the table between its markers", () => {
  const page = '# Head\n\n<!-- begin: npm run prove -->\nold\n<!-- end: npm run prove -->\n\nFoot\n';
  const report = { sections: [entry('first')] };
  const written = pageWith(page, report);
  assert.ok(written.startsWith('# Head\n\n<!-- begin: npm run prove -->\n'));
  assert.ok(written.endsWith('<!-- end: npm run prove -->\n\nFoot\n'));
  assert.ok(written.includes(tableOf(report)) && !written.includes('old'));
  assert.equal(pageWith(written, report), written);
  assert.throws(() => pageWith('# Head\n', report), /has no place for the table/);
});
