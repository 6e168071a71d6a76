// The clinic's script calls what the question needs, and answers from the results, complete or not.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { clinic } from '../../agents/clinic/agent.ts';
import { closeDatabase } from '../../agents/clinic/database/index.ts';
import { ask, play } from './play.ts';

const SUMMARY =
  'Generate a complete clinical summary for patient P-00123. Include demographics, current medications, allergies, and recent lab results.';
const FOUR = ['get_patient_demographics', 'get_patient_medications', 'get_patient_allergies', 'get_recent_lab_results'];

after(closeDatabase);

test('summarises a patient from four calls in one turn', async () => {
  const { turns, output } = await play(clinic, SUMMARY);
  assert.deepEqual(turns, [FOUR.map((tool) => ({ tool, arguments: { patient_id: 'P-00123' } }))]);
  for (const fact of [
    'Wilhelmina Quillfeather',
    '**Metformin** 1000 mg, twice daily, oral',
    '**Sulfonamide antibiotics**: anaphylaxis (⚠ **severe**)',
    '2026-01-08 **Potassium** 5.3 mmol/L (reference 3.5-5.1) ⚠ **high**',
    'not by a model',
  ])
    assert.ok(output.includes(fact), `${fact} in\n${output}`);
  assert.doesNotMatch(output, /Glipizide|undefined/);
});

test('looks up several patients at once, and summarises each', async () => {
  const { turns, output } = await play(clinic, 'Compare P-00101 with P-00102 and P-00101 again');
  assert.equal(turns.length, 1);
  assert.equal(turns[0]?.length, 8);
  assert.deepEqual(output.match(/^# .*/gm), ['# Clinical summary: P-00101', '# Clinical summary: P-00102']);
});

test('reports a patient who does not exist', async () => {
  const { output } = await play(clinic, 'Summarize P-99999');
  assert.match(output, /Patient P-99999 not found/);
  assert.doesNotMatch(output, /## /);
});

test('finds a dosage in two turns: the drug id, then the dose', async () => {
  const { turns, output } = await play(clinic, 'What is the usual dose of metformin?');
  assert.deepEqual(turns, [
    [{ tool: 'find_drug', arguments: { name: 'metformin' } }],
    [
      { tool: 'get_dosage', arguments: { drug_id: 'D-001' } },
      { tool: 'get_dosage', arguments: { drug_id: 'D-002' } },
    ],
  ]);
  assert.match(output, /\*\*Metformin\*\* \(D-001\): 500 mg, twice daily, oral; maximum 2000 mg\/day/);
  assert.match((await play(clinic, 'Tell me the unobtainium dosage')).output, /no drug by the name of unobtainium/);
});

test('answers anything else with what it can do', async () => {
  assert.match((await play(clinic, 'Sing!')).output, /I am an offline script/);
});

test('reports what is missing because of failures, and the rest', () => {
  const timeout = { error: 'timed out after 30 seconds', tool: 'get_patient_allergies', kind: 'timeout' };
  const { text } = ask(clinic, SUMMARY, [
    { tool: 'get_patient_demographics', result: { patient_id: 'P-00123', name: 'A. N. Other', dob: '2000-01-01' } },
    { tool: 'get_patient_medications', result: '{"patient_id":"P-00123","medications":[{"dr… [cut]' },
    { tool: 'get_patient_allergies', result: timeout },
    { tool: 'get_recent_lab_results', result: { patient_id: 'P-00123', lab_results: [] } },
  ]);
  assert.match(text ?? '', /A\. N\. Other/);
  assert.match(text ?? '', /## Current medications\nNot available: the result could not be read\./);
  assert.match(text ?? '', /## Allergies\nNot available: timed out after 30 seconds/);
  assert.match(text ?? '', /## Recent lab results\nNone recorded\./);
});

test('does not fail for any result', () => {
  for (const result of [null, undefined, 42, 'text', [], {}, { drugs: null }, { drugs: [null] }, { error: null }]) {
    for (const tool of FOUR) ask(clinic, SUMMARY, [{ tool, result }]);
    for (const tool of ['find_drug', 'get_dosage']) ask(clinic, 'dose of metformin', [{ tool, result }]);
  }
});
