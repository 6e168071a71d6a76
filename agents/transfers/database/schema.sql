-- The ledger's tables, in a schema of their own, so that they fit into any database and can be dropped together.
-- Every statement is idempotent. Amounts are in cents.

CREATE SCHEMA IF NOT EXISTS transfers;

CREATE TABLE IF NOT EXISTS transfers.accounts (
  id           text PRIMARY KEY CHECK (id ~ '^A-[0-9]{2}$'),
  purpose      text NOT NULL,
  -- No account is overdrawn, even by simultaneous transfers.
  cents        integer NOT NULL CONSTRAINT not_overdrawn CHECK (cents >= 0),
  -- The balance that it should have at the end of the month.
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

-- The records of `once`, which would create the table itself if its login were allowed to.
CREATE TABLE IF NOT EXISTS transfers.once (
  key    text PRIMARY KEY,
  input  text NOT NULL,
  result json,
  at     timestamptz NOT NULL DEFAULT now()
);
