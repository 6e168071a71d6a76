// Sets up the clinic in your own PostgreSQL database:
//   DATABASE_URL=postgres://owner@host/db CLINIC_READER_PASSWORD=… node agents/clinic/setup.ts
import { READER, setUpClinic } from './database/setUp.ts';

const { DATABASE_URL: url, CLINIC_READER_PASSWORD: password } = process.env;
if (!url) {
  console.error('Set DATABASE_URL to a login that may create a schema, for example postgres://owner@localhost/mydb.');
  process.exit(2);
}
await setUpClinic(url, password ? { role: READER, password } : undefined);
console.log('The clinic is set up: schema "clinic" with its tables and made-up data.');
console.log(
  password
    ? `The login ${READER} can only read it. Use it in DATABASE_URL from now on.`
    : `To create the login ${READER}, which can only read the clinic, set CLINIC_READER_PASSWORD too.`,
);
