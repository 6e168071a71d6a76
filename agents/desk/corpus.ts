// The web pages that the desk searches offline. All are invented.

const page = (path: string, title: string, snippet: string) => ({ title, url: `https://example.com/${path}`, snippet });

// biome-ignore format: one page a line
export const CORPUS = [
  page('durable-execution', 'Durable execution in one page', 'A workflow survives crashes because its history is recorded and replayed. Finished steps are not run again.'),
  page('temporal-activities', 'Activities: where a workflow touches the world', 'An activity may fail, hang or lose its worker. Timeouts, heartbeats and a retry policy say what happens next in Temporal.'),
  page('retries', 'Retries that do not make it worse', 'Retry in one layer, a finite number of times, with exponential backoff and jitter, and only what is safe to repeat.'),
  page('idempotency', 'Idempotency keys explained', 'A key that stays the same over retries lets a service recognise a request that it has already carried out.'),
  page('heartbeats', 'Heartbeats and dead workers', 'Without heartbeats a dead worker is noticed only when the timeout of its activity has passed.'),
  page('parallel-tools', 'Parallel tool calls of language models', 'A model may ask for several tools in one turn. Run side by side, the turn takes as long as the slowest tool.'),
  page('tool-errors', 'Tell the model about the error', 'A failed tool is data: an agent that reads the error can try another way, or say what is missing.'),
  page('context-window', 'What fits in a context window', 'Long tool results are cut to their head, with a note of what was cut, or the conversation is compacted.'),
  page('ssrf', 'Server-side request forgery', 'Check the address at connect time and on every redirect; a host name can point to the metadata service.'),
  page('sql-injection', 'SQL injection, still', 'Use parameters, a read-only role and a statement timeout. A model that writes SQL is an untrusted user.'),
  page('rate-limits', 'Living with HTTP 429', 'Honour Retry-After, up to a cap, and limit how many requests are sent at once.'),
  page('metformin', 'Metformin: a short guide', 'Usually started at 500 mg with meals. The dose depends on kidney function.'),
  page('blood-pressure', 'Reading a blood pressure', 'Two values in mmHg: systolic and diastolic. Measure at rest, twice, on both arms.'),
  page('rain', 'How weather is forecast', 'Models of the atmosphere turn the weather of now into that of tomorrow; rain is the hardest part.'),
  page('time-zones', 'Time zones and their surprises', 'Some are off by 45 minutes, some have moved across the date line, and twice a year an hour is missing or double.'),
] as const;
