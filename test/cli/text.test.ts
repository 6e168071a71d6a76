// Text on a terminal: hostile text is inert, and lines are as wide as they are taken to be.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf, cutTo, fit, lastOf } from '../../cli/terminal/columns.ts';
import { inert, inertJson, inertJsonLines, inertLine } from '../../cli/terminal/inert.ts';
import { wrapped } from '../../cli/terminal/screen.ts';
import { HOSTILE } from './hostile.ts';

test('escape sequences, control characters and what turns text round are gone; lines and letters stay', () => {
  assert.equal(inert('a\tb\r\nc\nd é 漢 👍'), 'a\tb\nc\nd é 漢 👍');
  assert.equal(inert(HOSTILE), 'before gnp.exe after');
  assert.equal(inertLine('a\n\x1b[31mb\x1b[0m  c', 4), 'a b…');
});

test('arguments that a person decides about are inert as JSON: the same value, with nothing hidden', () => {
  const json = JSON.stringify({ to: HOSTILE, text: 'é 漢\tb' });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  assert.doesNotMatch(inertJson(json), /[\x00-\x1f\x7f-\x9f\u202e\u2066\u200b]/);
  assert.deepEqual(JSON.parse(inertJson(json)), JSON.parse(json));
  assert.deepEqual(JSON.parse(inertJsonLines(json).join('\n')), JSON.parse(json));
  assert.deepEqual(inertJsonLines('{"a":\u202e'), ['{"a":\\u202e']);
});

test('wide letters count twice, and a line that is cut is never wider than it may be', () => {
  assert.deepEqual(['abc', '漢字', '👍', 'e\u0301'].map(columnsOf), [3, 4, 2, 1]);
  assert.equal(cutTo('漢字漢字', 5), '漢字…');
  assert.equal(lastOf('漢字漢字', 5), '漢字');
  assert.equal(fit('漢', 4), '漢  ');
  for (const line of wrapped('one two 漢字漢字漢字漢字漢字 three', 10)) assert.ok(columnsOf(line) <= 10, line);
});
