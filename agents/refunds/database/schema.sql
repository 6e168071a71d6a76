-- The shop's tables, in a schema of their own, so that they fit into any database and can be dropped together.
-- Every statement is idempotent. Amounts are in cents.

CREATE SCHEMA IF NOT EXISTS refunds;

CREATE TABLE IF NOT EXISTS refunds.customers (
  id    text PRIMARY KEY CHECK (id ~ '^C-[0-9]{3}$'),
  name  text NOT NULL,
  email text NOT NULL
);

CREATE TABLE IF NOT EXISTS refunds.orders (
  id           text PRIMARY KEY CHECK (id ~ '^O-[0-9]{4}$'),
  customer_id  text NOT NULL REFERENCES refunds.customers (id),
  item         text NOT NULL,
  category     text NOT NULL,
  cents        integer NOT NULL CHECK (cents > 0),
  state        text NOT NULL CHECK (state IN ('in_transit', 'delivered', 'returned')),
  ordered_on   date NOT NULL,
  delivered_on date,
  CHECK ((state = 'in_transit') = (delivered_on IS NULL))
);

CREATE TABLE IF NOT EXISTS refunds.refund_policy (
  category     text PRIMARY KEY,
  window_days  integer NOT NULL CHECK (window_days >= 0),
  percent      integer NOT NULL CHECK (percent BETWEEN 0 AND 100),
  needs_return boolean NOT NULL,
  note         text NOT NULL
);

CREATE TABLE IF NOT EXISTS refunds.refund_requests (
  order_id     text PRIMARY KEY REFERENCES refunds.orders (id),
  requested_on date NOT NULL,
  reason       text NOT NULL
);

-- The ledger. Both a call's idempotency key and an order can be in it only once, so an order is refunded once, whatever is
-- retried.
CREATE TABLE IF NOT EXISTS refunds.refunds (
  idempotency_key text PRIMARY KEY,
  order_id        text NOT NULL CONSTRAINT refunds_once_per_order UNIQUE REFERENCES refunds.orders (id),
  cents           integer NOT NULL CHECK (cents > 0),
  approved_by     text,
  run             text NOT NULL,
  paid_at         timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS refunds.rejections (
  idempotency_key text PRIMARY KEY,
  order_id        text NOT NULL CONSTRAINT rejected_once_per_order UNIQUE REFERENCES refunds.orders (id),
  reason          text NOT NULL,
  run             text NOT NULL,
  noted_at        timestamptz NOT NULL DEFAULT now()
);
