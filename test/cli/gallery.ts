// An agent that says how many images and files it sees.
import { defineAgent } from '../../activities/index.ts';

export const gallery = defineAgent({
  name: 'gallery',
  model: 'none',
  instructions: 'Look at images.',
  offline: ({ messages }) => {
    const texts = messages.map(({ content }) => content ?? '').join('\n');
    const seen = (what: string) => texts.split(`[${what}]`).length - 1;
    return `${seen('image_url')} images, ${seen('file')} files.`;
  },
});
