// A tool for a thread that returns an image, by its bytes and by a URL.
import { image } from '../../../activities/index.ts';
import { png } from '../pictures.ts';

export default async function draw(): Promise<unknown> {
  return { drawn: image(png(), { name: 'drawn.png' }), seen: image('https://example.com/seen.png') };
}
