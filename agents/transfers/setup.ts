// Sets up the ledger in your own PostgreSQL database:
//   DATABASE_URL=postgres://owner@host/db TRANSFERS_CLERK_PASSWORD=… node agents/transfers/setup.ts
import { CLERK, setUpTransfers } from './database/setUp.ts';

const { DATABASE_URL: url, TRANSFERS_CLERK_PASSWORD: password } = process.env;
if (!url) {
  console.error('Set DATABASE_URL to a login that may create a schema, for example postgres://owner@localhost/mydb.');
  process.exit(2);
}
await setUpTransfers(url, password || undefined);
console.log('The ledger is set up: schema "transfers" with its tables and made-up accounts.');
console.log(
  password
    ? `The login ${CLERK} can only read it and book transfers. Use it in DATABASE_URL from now on.`
    : `To create the login ${CLERK}, which can only read and book transfers, set TRANSFERS_CLERK_PASSWORD too.`,
);
