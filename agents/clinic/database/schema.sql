-- The clinic's tables, in a schema of their own, so that they fit into any database and can be dropped together.
-- Every statement is idempotent.

CREATE SCHEMA IF NOT EXISTS clinic;

CREATE TABLE IF NOT EXISTS clinic.patients (
  id    text PRIMARY KEY CHECK (id ~ '^P-[0-9]{5}$'),
  name  text NOT NULL,
  dob   date NOT NULL,
  phone text,
  email text
);

CREATE TABLE IF NOT EXISTS clinic.drugs (
  id           text PRIMARY KEY CHECK (id ~ '^D-[0-9]{3}$'),
  name         text NOT NULL UNIQUE,
  brand        text,
  drug_class   text NOT NULL,
  usual_dose   text NOT NULL,
  frequency    text NOT NULL,
  route        text NOT NULL,
  maximum      text NOT NULL,
  note         text
);

CREATE TABLE IF NOT EXISTS clinic.prescriptions (
  id         integer PRIMARY KEY,
  patient_id text NOT NULL REFERENCES clinic.patients (id),
  drug_name  text NOT NULL REFERENCES clinic.drugs (name),
  dose       text NOT NULL,
  frequency  text NOT NULL,
  route      text NOT NULL,
  start_date date NOT NULL,
  status     text NOT NULL CHECK (status IN ('active', 'completed', 'discontinued'))
);

CREATE TABLE IF NOT EXISTS clinic.allergies (
  id         integer PRIMARY KEY,
  patient_id text NOT NULL REFERENCES clinic.patients (id),
  allergen   text NOT NULL,
  reaction   text NOT NULL,
  severity   text NOT NULL CHECK (severity IN ('mild', 'moderate', 'severe')),
  UNIQUE (patient_id, allergen)
);

CREATE TABLE IF NOT EXISTS clinic.lab_results (
  id              integer PRIMARY KEY,
  patient_id      text NOT NULL REFERENCES clinic.patients (id),
  test_name       text NOT NULL,
  result          text NOT NULL,
  unit            text NOT NULL,
  reference_range text NOT NULL,
  collected_at    timestamptz NOT NULL,
  flag            text NOT NULL CHECK (flag IN ('normal', 'low', 'high', 'critical'))
);

-- One for each query of the tools. For allergies, the unique constraint is the index.
CREATE INDEX IF NOT EXISTS prescriptions_active
  ON clinic.prescriptions (patient_id, start_date DESC, id DESC) WHERE status = 'active';
CREATE INDEX IF NOT EXISTS lab_results_newest
  ON clinic.lab_results (patient_id, collected_at DESC, id DESC);
