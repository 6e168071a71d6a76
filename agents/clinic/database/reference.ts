// The tables from which the made-up data is drawn. All names are invented; the doses are typical, not advice.

/** id, name, brand, class, usual dose, frequency, route, maximum, note */
// biome-ignore format: a table is read by its columns
export const DRUGS = [
  ['D-001', 'Metformin', 'Glucophage', 'biguanide', '500 mg', 'twice daily', 'oral', '2000 mg/day', 'With meals. Stop below an eGFR of 30.'],
  ['D-002', 'Metformin XR', 'Glucophage XR', 'biguanide', '500 mg', 'once daily', 'oral', '2000 mg/day', 'With the evening meal.'],
  ['D-003', 'Glipizide', 'Glucotrol', 'sulfonylurea', '5 mg', 'once daily', 'oral', '40 mg/day', 'Half an hour before breakfast.'],
  ['D-004', 'Insulin glargine', 'Lantus', 'long-acting insulin', '10 units', 'at bedtime', 'subcutaneous', 'by fasting glucose', 'Raise by 2 units every 3 days.'],
  ['D-005', 'Lisinopril', 'Zestril', 'ACE inhibitor', '10 mg', 'once daily', 'oral', '40 mg/day', 'Check potassium and creatinine after 2 weeks.'],
  ['D-006', 'Amlodipine', 'Norvasc', 'calcium channel blocker', '5 mg', 'once daily', 'oral', '10 mg/day', null],
  ['D-007', 'Losartan', 'Cozaar', 'angiotensin receptor blocker', '50 mg', 'once daily', 'oral', '100 mg/day', null],
  ['D-008', 'Metoprolol succinate', 'Toprol-XL', 'beta blocker', '50 mg', 'once daily', 'oral', '400 mg/day', 'Do not stop at once.'],
  ['D-009', 'Atorvastatin', 'Lipitor', 'statin', '20 mg', 'at bedtime', 'oral', '80 mg/day', null],
  ['D-010', 'Rosuvastatin', 'Crestor', 'statin', '10 mg', 'once daily', 'oral', '40 mg/day', '10 mg at most below a creatinine clearance of 30.'],
  ['D-011', 'Levothyroxine', 'Synthroid', 'thyroid hormone', '75 mcg', 'once daily', 'oral', '200 mcg/day', 'On an empty stomach.'],
  ['D-012', 'Salbutamol', 'Ventolin', 'short-acting beta agonist', '100 mcg', '2 puffs as needed', 'inhaled', '8 puffs/day', null],
  ['D-013', 'Fluticasone', 'Flovent', 'inhaled corticosteroid', '110 mcg', '2 puffs twice daily', 'inhaled', '880 mcg/day', 'Rinse the mouth after use.'],
  ['D-014', 'Apixaban', 'Eliquis', 'anticoagulant', '5 mg', 'twice daily', 'oral', '10 mg/day', '2.5 mg with two of: age 80, 60 kg, creatinine 1.5.'],
  ['D-015', 'Omeprazole', 'Prilosec', 'proton pump inhibitor', '20 mg', 'once daily', 'oral', '40 mg/day', 'Before breakfast.'],
  ['D-016', 'Sertraline', 'Zoloft', 'SSRI', '50 mg', 'once daily', 'oral', '200 mg/day', null],
  ['D-017', 'Paracetamol', 'Tylenol', 'analgesic', '500 mg', 'three times daily', 'oral', '3000 mg/day', null],
  ['D-018', 'Diclofenac gel', 'Voltaren', 'topical NSAID', '4 g', 'four times daily', 'topical', '32 g/day', null],
  ['D-019', 'Allopurinol', 'Zyloprim', 'xanthine oxidase inhibitor', '100 mg', 'once daily', 'oral', '800 mg/day', null],
  ['D-020', 'Ferrous sulfate', null, 'iron', '325 mg', 'every other day', 'oral', '325 mg/day', 'Not with tea, coffee or antacids.'],
] as const;

/** For each condition: the drugs that treat it, the tests that monitor it, and the direction of abnormal values. */
// biome-ignore format: a table is read by its columns
export const CONDITIONS = [
  { drugs: ['Lisinopril', 'Amlodipine', 'Losartan'], tests: ['Potassium', 'Creatinine', 'Sodium'], strays: 'high' },
  { drugs: ['Metformin', 'Glipizide', 'Insulin glargine'], tests: ['HbA1c', 'Fasting glucose', 'Creatinine'], strays: 'high' },
  { drugs: ['Atorvastatin', 'Rosuvastatin'], tests: ['LDL cholesterol', 'ALT'], strays: 'high' },
  { drugs: ['Levothyroxine'], tests: ['TSH', 'Free T4'], strays: 'high' },
  { drugs: ['Salbutamol', 'Fluticasone'], tests: ['Eosinophils'], strays: 'high' },
  { drugs: ['Apixaban', 'Metoprolol succinate'], tests: ['Hemoglobin', 'Creatinine', 'Potassium'], strays: 'low' },
  { drugs: ['Omeprazole'], tests: ['Magnesium', 'Hemoglobin'], strays: 'low' },
  { drugs: ['Sertraline'], tests: ['Sodium'], strays: 'low' },
  { drugs: ['Paracetamol', 'Diclofenac gel'], tests: ['C-reactive protein'], strays: 'high' },
  { drugs: ['Allopurinol'], tests: ['Uric acid'], strays: 'high' },
  { drugs: ['Ferrous sulfate'], tests: ['Ferritin', 'Hemoglobin'], strays: 'low' },
] as const;

/** unit, low, high, decimals */
export const TESTS: Readonly<Record<string, readonly [unit: string, low: number, high: number, decimals: number]>> = {
  HbA1c: ['%', 4, 5.6, 1],
  'Fasting glucose': ['mg/dL', 70, 99, 0],
  'LDL cholesterol': ['mg/dL', 40, 100, 0],
  ALT: ['U/L', 7, 56, 0],
  Potassium: ['mmol/L', 3.5, 5.1, 1],
  Sodium: ['mmol/L', 136, 145, 0],
  Magnesium: ['mg/dL', 1.7, 2.2, 1],
  Creatinine: ['mg/dL', 0.6, 1.1, 2],
  Hemoglobin: ['g/dL', 12, 15.5, 1],
  Ferritin: ['ng/mL', 15, 150, 0],
  TSH: ['mIU/L', 0.4, 4, 2],
  'Free T4': ['ng/dL', 0.8, 1.8, 1],
  Eosinophils: ['10^9/L', 0.02, 0.5, 2],
  'C-reactive protein': ['mg/L', 0.1, 5, 1],
  'Uric acid': ['mg/dL', 2.4, 6, 1],
};

export const ALLERGENS = [
  ['Penicillin', ['hives', 'rash']],
  ['Sulfonamide antibiotics', ['rash', 'fever']],
  ['Latex', ['contact dermatitis', 'itching']],
  ['Peanuts', ['swelling of the lips', 'anaphylaxis']],
  ['Shellfish', ['hives', 'vomiting']],
  ['Codeine', ['nausea', 'itching']],
  ['Bee venom', ['local swelling', 'anaphylaxis']],
  ['Iodinated contrast', ['flushing', 'hives']],
] as const;

// As invented as they sound.
// biome-ignore format: a list of words
export const FIRST_NAMES = ['Ada', 'Barnaby', 'Clementine', 'Dorian', 'Euphemia', 'Florian', 'Guinevere', 'Horatio', 'Isolde', 'Jasper', 'Kestrel', 'Leopold'];
// biome-ignore format: a list of words
export const LAST_NAMES = ['Quillfeather', 'Thistlewick', 'Moonbrook', 'Fernsby-Vale', 'Applegarth', 'Wintergreen', 'Larkspur', 'Pennywhistle'];
