// All queries of the clinic's tools. Both databases get the same SQL.
import { query } from './index.ts';

export async function patientExists(patientId: string, signal: AbortSignal): Promise<boolean> {
  return (await query('SELECT 1 FROM patients WHERE id = $1', [patientId], signal)).length > 0;
}

export interface Patient {
  patient_id: string;
  name: string;
  dob: string;
  phone: string | null;
  email: string | null;
}

export async function findPatient(patientId: string, signal: AbortSignal): Promise<Patient | undefined> {
  const sql = 'SELECT id AS patient_id, name, dob, phone, email FROM patients WHERE id = $1';
  return (await query<Patient>(sql, [patientId], signal))[0];
}

export interface Medication {
  drug: string;
  dose: string;
  frequency: string;
  route: string;
}

export function activeMedications(patientId: string, signal: AbortSignal): Promise<Medication[]> {
  const sql = `
    SELECT drug_name AS drug, dose, frequency, route FROM prescriptions
    WHERE patient_id = $1 AND status = 'active'
    ORDER BY start_date DESC, id DESC LIMIT 100`;
  return query(sql, [patientId], signal);
}

export interface Allergy {
  allergen: string;
  reaction: string;
  severity: 'mild' | 'moderate' | 'severe';
}

export function allergiesOf(patientId: string, signal: AbortSignal): Promise<Allergy[]> {
  const sql = `
    SELECT allergen, reaction, severity FROM allergies
    WHERE patient_id = $1
    ORDER BY array_position(ARRAY['severe', 'moderate', 'mild'], severity), allergen LIMIT 100`;
  return query(sql, [patientId], signal);
}

export interface LabResult {
  test: string;
  result: string;
  unit: string;
  reference_range: string;
  collected: string;
  flag: 'normal' | 'low' | 'high' | 'critical';
}

export function newestLabResults(patientId: string, limit: number, signal: AbortSignal): Promise<LabResult[]> {
  const sql = `
    SELECT test_name AS test, result, unit, reference_range, collected_at AS collected, flag FROM lab_results
    WHERE patient_id = $1
    ORDER BY collected_at DESC, id DESC LIMIT $2`;
  return query(sql, [patientId, limit], signal);
}

export interface DrugName {
  drug_id: string;
  name: string;
  brand: string | null;
  drug_class: string;
}

export function drugsNamed(fragment: string, signal: AbortSignal): Promise<DrugName[]> {
  const sql = `
    SELECT id AS drug_id, name, brand, drug_class FROM drugs
    WHERE strpos(lower(concat_ws(' ', name, brand)), lower($1)) > 0
    ORDER BY name LIMIT 10`;
  return query(sql, [fragment], signal);
}

export interface Dosage {
  drug_id: string;
  name: string;
  usual_dose: string;
  frequency: string;
  route: string;
  maximum: string;
  note: string | null;
}

export async function dosageOf(drugId: string, signal: AbortSignal): Promise<Dosage | undefined> {
  const sql = `
    SELECT id AS drug_id, name, usual_dose, frequency, route, maximum, note FROM drugs WHERE id = $1`;
  return (await query<Dosage>(sql, [drugId], signal))[0];
}
