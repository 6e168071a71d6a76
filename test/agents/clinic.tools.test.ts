// The clinic's tools answer the same from the embedded database and from a real PostgreSQL.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { clinic } from '../../agents/clinic/agent.ts';
import { closeDatabase, query, warmUp } from '../../agents/clinic/database/index.ts';
import { setUpClinic } from '../../agents/clinic/database/setUp.ts';
import { type Login, noPostgres, type Postgres, startPostgres } from '../support/postgres.ts';
import { callTool } from './play.ts';

// Where a DATE that became a Date would be a day early.
process.env.TZ = 'America/Los_Angeles';

const call = (tool: string, args: unknown) => callTool(clinic.tools.get(tool), args);

let postgres: Postgres;
let reader: Login;
describe('with the embedded database', () => {
  before(() => {
    delete process.env.DATABASE_URL;
  });
  theTools();
});

describe('with PostgreSQL', { skip: noPostgres }, () => {
  after(() => postgres.stop());
  before(async () => {
    postgres = await startPostgres();
    const login = { user: 'clinic_reader', password: "it's a secret" };
    await setUpClinic(postgres.url, { role: login.user, password: login.password });
    reader = login;
    process.env.DATABASE_URL = postgres.urlOf({ login });
  });
  theTools();

  test('limits the login to reading the clinic', async () => {
    assert.deepEqual(await query('SELECT current_user::text AS who', []), [{ who: 'clinic_reader' }]);
    await assert.rejects(query('SELECT rolpassword FROM pg_authid', []), { code: '42501' });
  });

  test('changes nothing when it is set up twice at once', async () => {
    const count = 'SELECT (SELECT count(*) FROM patients) + (SELECT count(*) FROM lab_results) AS n';
    const earlier = await query(count, []);
    await Promise.all([setUpClinic(postgres.url), setUpClinic(postgres.url)]);
    assert.deepEqual(await query(count, []), earlier);
  });

  test('reports a database without a clinic, with how to set it up', async () => {
    await closeDatabase();
    process.env.DATABASE_URL = postgres.urlOf({ login: reader, database: 'template1' });
    await assert.rejects(warmUp(), /node agents\/clinic\/setup\.ts/);
    await closeDatabase();
  });
});

function theTools(): void {
  before(warmUp);
  after(closeDatabase);

  test("returns a patient's demographics", async () => {
    assert.deepEqual(await call('get_patient_demographics', { patient_id: 'P-00123' }), {
      patient_id: 'P-00123',
      name: 'Wilhelmina Quillfeather',
      dob: '1958-03-14',
      phone: '+1-202-555-0122',
      email: 'wilhelmina.quillfeather@example.com',
    });
  });

  test('returns active medications, newest first', async () => {
    assert.deepEqual(await call('get_patient_medications', { patient_id: 'P-00123' }), {
      patient_id: 'P-00123',
      medications: [
        { drug: 'Lisinopril', dose: '20 mg', frequency: 'once daily', route: 'oral' },
        { drug: 'Metformin', dose: '1000 mg', frequency: 'twice daily', route: 'oral' },
        { drug: 'Atorvastatin', dose: '40 mg', frequency: 'at bedtime', route: 'oral' },
        { drug: 'Levothyroxine', dose: '75 mcg', frequency: 'once daily', route: 'oral' },
      ],
      count: 4,
    });
  });

  test('returns allergies, severe ones first', async () => {
    assert.deepEqual(await call('get_patient_allergies', { patient_id: 'P-00123' }), {
      patient_id: 'P-00123',
      allergies: [
        { allergen: 'Sulfonamide antibiotics', reaction: 'anaphylaxis', severity: 'severe' },
        { allergen: 'Penicillin', reaction: 'hives', severity: 'moderate' },
        { allergen: 'Latex', reaction: 'contact dermatitis', severity: 'mild' },
      ],
      count: 3,
    });
  });

  test('returns five lab results by default, newest first, times in UTC', async () => {
    const found = (await call('get_recent_lab_results', { patient_id: 'P-00123' })) as { lab_results: object[] };
    assert.equal(found.lab_results.length, 5);
    assert.deepEqual(found.lab_results.slice(0, 2), [
      {
        test: 'HbA1c',
        result: '7.2',
        unit: '%',
        reference_range: '4-5.6',
        collected: '2026-01-08T08:31:00Z',
        flag: 'high',
      },
      {
        test: 'Potassium',
        result: '5.3',
        unit: 'mmol/L',
        reference_range: '3.5-5.1',
        collected: '2026-01-08T08:30:00Z',
        flag: 'high',
      },
    ]);
    const all = (await call('get_recent_lab_results', { patient_id: 'P-00123', limit: 50 })) as typeof found;
    assert.equal(all.lab_results.length, 9);
  });

  test('answers for a patient who does not exist, without an error', async () => {
    for (const tool of [...clinic.tools.keys()].slice(0, 4))
      assert.deepEqual(await call(tool, { patient_id: 'P-99999' }), { error: 'Patient P-99999 not found' });
  });

  test('returns no allergies for a patient without any, not "not found"', async () => {
    const [{ id } = { id: '' }] = await query<{ id: string }>(
      'SELECT id FROM patients WHERE id NOT IN (SELECT patient_id FROM allergies) LIMIT 1',
      [],
    );
    assert.deepEqual(await call('get_patient_allergies', { patient_id: id }), {
      patient_id: id,
      allergies: [],
      count: 0,
    });
  });

  test('finds a drug by a part of its name or brand, and its dosage by id', async () => {
    assert.deepEqual(await call('find_drug', { name: 'ZEST' }), {
      drugs: [{ drug_id: 'D-005', name: 'Lisinopril', brand: 'Zestril', drug_class: 'ACE inhibitor' }],
      count: 1,
    });
    const dosage = (await call('get_dosage', { drug_id: 'D-005' })) as { usual_dose: string; maximum: string };
    assert.deepEqual(
      { usual_dose: dosage.usual_dose, maximum: dosage.maximum },
      { usual_dose: '10 mg', maximum: '40 mg/day' },
    );
    assert.deepEqual(await call('find_drug', { name: '%'.repeat(2) }), { drugs: [], count: 0 });
    assert.match(JSON.stringify(await call('get_dosage', { drug_id: 'D-999' })), /Drug D-999 not found/);
  });

  test('does not query with invalid arguments', async () => {
    await assert.rejects(call('get_patient_allergies', { patient_id: '123' }), /P-00123/);
    for (const limit of [0, 51, 1.5])
      await assert.rejects(call('get_recent_lab_results', { patient_id: 'P-00123', limit }));
    await assert.rejects(call('get_dosage', { drug_id: "D-001' OR 1=1" }), /find_drug/);
  });

  test('returns dates, times and large counts as JSON of the same shape', async () => {
    const sql = `SELECT date '2024-02-29' AS day, timestamp '2024-02-29 01:02:03' AS local, '1 day'::interval AS span,
      timestamptz '2024-02-29 01:02:03.5+02' AS instant, 7::int8 AS count, 9007199254740993::int8 AS large`;
    assert.deepEqual(await query(sql, []), [
      {
        day: '2024-02-29',
        local: '2024-02-29T01:02:03',
        span: '1 day',
        instant: '2024-02-28T23:02:03.5Z',
        count: 7,
        large: '9007199254740993',
      },
    ]);
  });
}
