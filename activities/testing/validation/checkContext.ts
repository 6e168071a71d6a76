// The context window of a scripted model: a longer request is refused with the OpenAI API's own message.
import { badRequest } from '../apiError.ts';
import { tokensIn } from '../reply.ts';
import type { ChatRequest } from './validate.ts';

export function checkContext({ messages }: ChatRequest, tokensMax = Number.POSITIVE_INFINITY): void {
  const tokens = tokensIn(messages);
  if (tokens > tokensMax)
    throw badRequest(
      `This model's maximum context length is ${tokensMax} tokens. However, your messages resulted in ${tokens} tokens. ` +
        'Please reduce the length of the messages.',
      'messages',
      'context_length_exceeded',
    );
}
