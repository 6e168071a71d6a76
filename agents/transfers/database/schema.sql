-- The ledger's tables, in a schema of their own, so that they can live in any database and be dropped as one.
-- Every statement may run again: setting up twice is setting up once. Amounts are in cents.

CREATE SCHEMA IF NOT EXISTS transfers;

CREATE TABLE IF NOT EXISTS transfers.accounts (
  id           text PRIMARY KEY CHECK (id ~ '^A-[0-9]{2}$'),
  purpose      text NOT NULL,
  -- No account is overdrawn, whatever is asked for at the same moment.
  cents        integer NOT NULL CONSTRAINT not_overdrawn CHECK (cents >= 0),
  -- What should be in it at the end of the month.
  target_cents integer NOT NULL CHECK (target_cents >= 0)
);

CREATE TABLE IF NOT EXISTS transfers.bookings (
  id              integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  idempotency_key text NOT NULL,
  from_account    text NOT NULL REFERENCES transfers.accounts (id),
  to_account      text NOT NULL REFERENCES transfers.accounts (id),
  cents           integer NOT NULL CHECK (cents > 0),
  run             text NOT NULL,
  booked_at       timestamptz NOT NULL DEFAULT now(),
  CHECK (from_account <> to_account)
);

-- Where `once` records what has happened. It would make the table itself, if its login might.
CREATE TABLE IF NOT EXISTS transfers.once (
  key    text PRIMARY KEY,
  input  text NOT NULL,
  result json,
  at     timestamptz NOT NULL DEFAULT now()
);
