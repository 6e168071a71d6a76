// `npm run pictures`: draws the pictures of the README. `-- --record` runs the clinic again for its timeline.
import { writeFile } from 'node:fs/promises';
import { clinicTimeline, recordClinicRun } from './clinicRun.ts';
import { inboxPictures, SCHEMES } from './inbox.ts';
import { IMAGES, shownFile } from './places.ts';

if (process.argv.includes('--record')) await recordClinicRun();
await writeFile(new URL('clinic.svg', IMAGES), await clinicTimeline());
const pictures = await inboxPictures();
for (const scheme of SCHEMES) {
  await writeFile(new URL(`inbox-${scheme}.png`, IMAGES), pictures[scheme].png);
  await writeFile(shownFile(scheme), pictures[scheme].shown);
}
console.log('Drawn: docs/images/clinic.svg, inbox-light.png and inbox-dark.png. Look at them before you commit them.');
process.exit();
