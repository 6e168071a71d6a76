// Sets up the shop in your own PostgreSQL database:
//   DATABASE_URL=postgres://owner@host/db REFUNDS_CLERK_PASSWORD=… node agents/refunds/setup.ts
import { CLERK, setUpRefunds } from './database/setUp.ts';

const { DATABASE_URL: url, REFUNDS_CLERK_PASSWORD: password } = process.env;
if (!url) {
  console.error('Set DATABASE_URL to a login that may create a schema, for example postgres://owner@localhost/mydb.');
  process.exit(2);
}
await setUpRefunds(url, password || undefined);
console.log('The shop is set up: schema "refunds" with its tables and made-up orders.');
console.log(
  password
    ? `The login ${CLERK} can only read it and add payments and rejections. Use it in DATABASE_URL from now on.`
    : `To create the login ${CLERK}, which can only read, pay and reject, set REFUNDS_CLERK_PASSWORD too.`,
);
