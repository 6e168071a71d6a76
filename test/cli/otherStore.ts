// The settings of payloadSettings.ts, with the store under another name than histories have.
import { fileStorage, type PayloadOptions } from '../../client/index.ts';
import settings from './payloadSettings.ts';

const folder = process.env['PAYLOAD_FOLDER'] ?? '';
export default { ...settings, storage: fileStorage(folder, { name: 'moved' }) } satisfies PayloadOptions;
