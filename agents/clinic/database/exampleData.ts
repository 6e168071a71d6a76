// Forty-eight fictitious patients, the same on every machine: drawn from the reference tables with a seeded generator.
import { ALLERGENS, CONDITIONS, DRUGS, FIRST_NAMES, LAST_NAMES, TESTS } from './reference.ts';

type Row = Readonly<Record<string, string | number | null>>;

const FIRST_ID = 101;
const PATIENTS = 48;
// All dates count back from here, so that the data never changes.
const TODAY_MS = Date.UTC(2026, 0, 15);
const DAY_MS = 86_400_000;
const YEAR = 365;

/** The patient in the examples, written by hand, since people will read it. */
const EXAMPLE = {
  id: 'P-00123',
  name: 'Wilhelmina Quillfeather',
  dob: '1958-03-14',
  prescriptions: [
    ['Levothyroxine', '75 mcg', '2021-01-18', 'active'],
    ['Glipizide', '5 mg', '2021-06-30', 'discontinued'],
    ['Amlodipine', '5 mg', '2021-11-08', 'discontinued'],
    ['Atorvastatin', '40 mg', '2022-09-03', 'active'],
    ['Metformin', '1000 mg', '2023-02-11', 'active'],
    ['Lisinopril', '20 mg', '2024-05-20', 'active'],
  ],
  allergies: [
    ['Penicillin', 'hives', 'moderate'],
    ['Sulfonamide antibiotics', 'anaphylaxis', 'severe'],
    ['Latex', 'contact dermatitis', 'mild'],
  ],
  labs: [
    ['HbA1c', 8.1, '2025-02-04T08:10:00Z'],
    ['Potassium', 4.4, '2025-02-04T08:10:00Z'],
    ['TSH', 4.6, '2025-06-17T07:45:00Z'],
    ['HbA1c', 7.6, '2025-08-21T08:20:00Z'],
    ['LDL cholesterol', 92, '2025-08-21T08:20:00Z'],
    ['TSH', 2.1, '2025-12-09T08:05:00Z'],
    ['Creatinine', 1.24, '2026-01-08T08:30:00Z'],
    ['Potassium', 5.3, '2026-01-08T08:30:00Z'],
    ['HbA1c', 7.2, '2026-01-08T08:31:00Z'],
  ],
} as const;

/** Rows for every table, in an order that its foreign keys allow. */
export function exampleData(): Readonly<Record<string, readonly Row[]>> {
  const die = seededDie(20260115);
  const patients: Row[] = [];
  const prescriptions: Row[] = [];
  const allergies: Row[] = [];
  const labs: Row[] = [];

  for (let i = 0; i < PATIENTS; i++) {
    const id = `P-${String(FIRST_ID + i).padStart(5, '0')}`;
    const name = `${FIRST_NAMES[i % FIRST_NAMES.length]} ${LAST_NAMES[(i * 5 + Math.floor(i / 12)) % LAST_NAMES.length]}`;
    const chart = id === EXAMPLE.id ? EXAMPLE : { id, name, ...drawChart(die, i) };
    patients.push({
      id,
      name: chart.name,
      dob: chart.dob,
      // 555-01xx and example.com are reserved for fiction and examples.
      phone: i % 16 === 7 ? null : `+1-202-555-01${String(i).padStart(2, '0')}`,
      email: `${chart.name.toLowerCase().replace(/[^a-z]+/g, '.')}@example.com`,
    });
    for (const [drug_name, dose, start_date, status] of chart.prescriptions) {
      const { frequency, route } = usualUse(drug_name);
      const prescription = { patient_id: id, drug_name, dose, frequency, route, start_date, status };
      prescriptions.push({ id: prescriptions.length + 1, ...prescription });
    }
    for (const [allergen, reaction, severity] of chart.allergies)
      allergies.push({ id: allergies.length + 1, patient_id: id, allergen, reaction, severity });
    for (const [test, value, collected_at] of chart.labs)
      labs.push({ id: labs.length + 1, patient_id: id, ...labResult(test, value), collected_at });
  }
  const drugs = DRUGS.map(([id, name, brand, drug_class, usual_dose, frequency, route, maximum, note]) => {
    return { id, name, brand, drug_class, usual_dose, frequency, route, maximum, note };
  });
  return { patients, drugs, prescriptions, allergies, lab_results: labs };
}

type Chart = {
  dob: string;
  prescriptions: [drug: string, dose: string, start: string, status: string][];
  allergies: [allergen: string, reaction: string, severity: string][];
  labs: [test: string, value: number, collected: string][];
};

function drawChart(die: Die, i: number): Chart {
  const chart: Chart = { dob: daysAgo(die.between(22 * YEAR, 88 * YEAR)), prescriptions: [], allergies: [], labs: [] };
  const conditions = die.some(CONDITIONS, die.between(0, 3));
  for (const { drugs, tests, strays } of conditions) {
    const [current, ...former] = die.some(drugs, die.between(1, 2));
    chart.prescriptions.push([current!, usualUse(current!).dose, daysAgo(die.between(20, 900)), 'active']);
    for (const drug of former)
      chart.prescriptions.push([
        drug,
        usualUse(drug).dose,
        daysAgo(die.between(1_000, 2_500)),
        die.one(['completed', 'discontinued']),
      ]);
    // Every ninth patient has never had blood taken.
    if (i % 9 === 4) continue;
    for (const test of tests)
      for (let n = die.between(1, 2); n > 0; n--)
        chart.labs.push([
          test,
          drawValue(die, test, strays),
          `${daysAgo(die.between(3, 700))}T0${die.between(7, 9)}:${die.between(10, 59)}:00Z`,
        ]);
  }
  for (const [allergen, reactions] of i % 3 === 0 ? [] : die.some(ALLERGENS, die.between(1, 2))) {
    const reaction = die.one<string>(reactions);
    chart.allergies.push([allergen, reaction, reaction === 'anaphylaxis' ? 'severe' : die.one(['mild', 'moderate'])]);
  }
  return chart;
}

function drawValue(die: Die, test: string, strays: 'high' | 'low'): number {
  const [, low, high] = TESTS[test]!;
  if (die.between(1, 100) <= 60) return low + ((high - low) * die.between(10, 90)) / 100;
  const by = die.between(5, 70) / 100;
  return strays === 'high' ? high * (1 + by) : low * (1 - by);
}

/** Derives the flag from the rounded value, so that the two always agree. */
function labResult(test: string, value: number) {
  const [unit, low, high, decimals] = TESTS[test]!;
  const result = value.toFixed(decimals);
  const shown = Number(result);
  const critical = shown > high * 1.6 || shown < low * 0.5;
  const flag = critical ? 'critical' : shown > high ? 'high' : shown < low ? 'low' : 'normal';
  return { test_name: test, result, unit, reference_range: `${low}-${high}`, flag };
}

function usualUse(drugName: string): { dose: string; frequency: string; route: string } {
  const [, , , , dose, frequency, route] = DRUGS.find(([, name]) => name === drugName)!;
  return { dose, frequency, route };
}

function daysAgo(days: number): string {
  return new Date(TODAY_MS - days * DAY_MS).toISOString().slice(0, 10);
}

type Die = ReturnType<typeof seededDie>;

/** A linear congruential generator: poor randomness, but the same on every machine. */
function seededDie(seed: number) {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  const one = <T>(items: readonly T[]): T => items[between(0, items.length - 1)]!;
  const some = <T>(items: readonly T[], n: number): T[] => {
    const left = [...items];
    return Array.from({ length: Math.min(n, left.length) }, () => left.splice(between(0, left.length - 1), 1)[0]!);
  };
  return { between, one, some };
}
