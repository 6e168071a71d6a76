// The English text of every reason. No other module words reasons, and nothing reads the texts back.
import { BATCH_FAILURES_SHOWN, INPUT } from '../limits.ts';
import { count, cutText, inWords, plural } from '../text.ts';
import type { ReasonCode, ReasonParameters } from './codes.ts';

export function inEnglish<C extends ReasonCode>(code: C, parameters: ReasonParameters[C]): string {
  return ENGLISH[code](parameters);
}

const ENGLISH: { readonly [C in ReasonCode]: (parameters: ReasonParameters[C]) => string } = {
  stopped: ({ by, why }) => `Stopped${by ? ` by ${by}` : ''}${why ? `: ${why}` : '.'}`,
  history_full: () =>
    'Stopped: the history of the run is full, and its state does not fit a payload of a new one. Give the workers a store ' +
    'for large payloads, or let the agent compact its conversation.',
  approval_timed_out: ({ timeoutMs }) => `Approval timed out: nobody decided within ${inWords(timeoutMs)}.`,
  idle_timeout: ({ idleMs }) => `No message for ${inWords(idleMs)}.`,
  interrupted: () => 'interrupted',
  cancelled: () => 'The run was cancelled.',
  budget_reached: budgetReached,
  time_limit: ({ limitMs }) => `The run took longer than its limit of ${inWords(limitMs)}.`,
  max_turns: ({ maxTurns }) => `The run reached its limit of ${plural(maxTurns, 'turn')}.`,
  max_handoffs: ({ max }) => `The conversation was handed off more than ${max} times.`,
  all_tools_failed: ({ batches }) =>
    batches === 1 ? 'Every tool of a batch failed.' : `Every tool of ${batches} batches in a row failed.`,
  same_failure: ({ tool, times, error }) => `${tool} failed ${times} times in a row in the same way: ${error}`,
  output_limit: () =>
    "The model's answer was cut off at its output limit. Raise maxOutputTokens, or ask for less at once.",
  model_refused: () => 'The model, or its provider, declined to answer.',
  fork_model: ({ problem }) => problem,
  agent_function_failed: ({ agent, option, problem }) => `The function ${option} of ${agent} failed: ${problem}`,
  context_invalid: ({ agent, problem }) => `The context of the run does not fit ${agent}: ${problem}`,
  model_error: ({ message }) => message,
  unknown_agent: ({ message }) => message,
  model_worker_lost: ({ attempts }) =>
    `The worker that called the model was lost, in the last of ${attempts} attempts.`,
  model_unavailable: ({ message, forMs }) => `${message} The model could not be called for ${inWords(forMs)}.`,
  model_not_started: ({ waitMs }) => `No worker started the model call within ${inWords(waitMs)}.`,
  model_timed_out: ({ timeoutMs }) => `The model did not finish its answer within ${inWords(timeoutMs)}.`,
  model_answer_too_large: ({ part, max, status }) =>
    part === 'answer'
      ? `The model answered with more than ${count(max)} bytes.`
      : `The model's server sent ${TOO_LARGE[part]} of more than ${count(max)} bytes${status === undefined ? '' : ` (status ${status})`}.`,
  model_redirected: ({ status, target }) =>
    `The model's server redirects${target === undefined ? '' : ` to ${target}`} (${status}). Redirects are not followed: set ` +
    'OPENAI_BASE_URL to the address of the API itself.',
  guardrail: ({ message }) => message,
  answer_rejected: ({ times, why }) =>
    `The model's answer was not acceptable, ${plural(times, 'time')} in a row: ${why}`,
  session_ended: () => 'The session ended before this message was answered.',
  workflow_failed: ({ message }) => message,
  terminated: ({ reason }) => reason,
  workflow_timed_out: () => "The workflow took longer than Temporal's own timeout for it.",

  tool_error: ({ message }) => message,
  tool_timed_out: ({ timeoutMs }) => `timed out after ${inWords(timeoutMs)}`,
  tool_worker_lost: ({ heartbeatMs }) => `the worker that ran it was lost (no heartbeat for ${inWords(heartbeatMs)})`,
  tool_not_started: ({ waitMs, certain }) =>
    `${certain ? 'did not run: ' : ''}no worker started the call within ${inWords(waitMs)}`,
  outcome_unknown: ({ cause }) => `${cause}; it may or may not have happened: check before you do it again`,
  call_unreadable: ({ message }) => `did not run: ${message}`,
  call_cancelled: () => 'cancelled',
  call_not_started: ({ why }) => NOT_STARTED[why],
  run_ended_first: () => 'not run: the run ended first',
  call_rejected: ({ why }) => (why ? `rejected by a person: ${why}` : 'rejected by a person'),
  call_not_answered: ({ why }) => `it asked a person for input before its end, and was not answered: ${why}`,
  call_asked_too_much: () =>
    `asked for input more than ${INPUT.roundsMax} times, or with a state of more than ${count(INPUT.stateBytesMax)} bytes`,
  call_approval_timed_out: ({ timeoutMs }) => `approval timed out: nobody decided within ${inWords(timeoutMs)}`,
  call_not_run_approval: ({ timeoutMs }) =>
    `not run: the approval of another call timed out after ${inWords(timeoutMs)}, and the run ends`,
  call_over_budget: (parameters) => `not run: ${budgetReached(parameters)}`,
  sub_agent_depth: ({ depth, maxDepth }) =>
    `not run: sub-agents may be nested ${maxDepth} deep, and this one would be at depth ${depth}`,
  sub_agent_count: ({ max }) => `not run: a run may start ${plural(max, 'sub-agent')}, and this one already has`,
  sub_agent_lost: ({ how, message }) => `the sub-agent failed: ${message ?? SUB_AGENT_LOST[how]}`,
  sub_agent_ended: ({ status, reason, output }) =>
    `the sub-agent ended as ${status}${reason ? `: ${reason}` : ''}${output ? ` Its last words: ${output}` : ''}`,
  handed_off_already: ({ to }) => `not done: the conversation was handed off to ${to} already`,
  unknown_tool: ({ name, suggestion, available }) => {
    const hint = suggestion ? ` Did you mean ${suggestion}?` : '';
    const list = available.length > 0 ? `Available tools: ${available.join(', ')}.` : 'There are no tools.';
    return cutText(`unknown tool ${JSON.stringify(name)}.${hint} ${list}`, 2_000);
  },
  invalid_arguments: ({ problem }) => `invalid arguments: ${problem}`,
  arguments_too_large: ({ bytes, max }) => `arguments of ${count(bytes)} bytes; ${count(max)} are allowed`,
  turn_too_large: ({ max }) => `not run: the text, calls and arguments of a turn may have ${count(max)} bytes together`,
  too_many_calls: ({ max, number }) =>
    `not run: at most ${plural(max, 'call')} per turn are allowed; this is number ${count(number)}`,
  answer_cut_off: () =>
    'not run: the answer was cut off at the output limit before its calls were complete. Ask for less at once.',
  fork_blocks: ({ workflowId, tool, effect = 'unknown' }) =>
    `not run: this run belongs to a fork of ${workflowId}, in which calls with an effect are blocked (${tool} has the effect ${effect})`,
  fork_asks: ({ workflowId, tool, effect = 'unknown' }) =>
    `This run belongs to a fork of ${workflowId}, and ${tool} has the effect ${effect}: it could happen a second time.`,
  not_approved: () => 'not permitted: a person has to approve it, and nobody has',
  not_permitted: ({ why }) => `not permitted: ${why}`,
  rejected_by_guardrail: ({ why }) => `not run: ${why}`,
  guardrail_changed_badly: ({ problem }) => `not run: a guardrail changed it, and ${problem}`,
  sub_agent_input: ({ tool, error }) => `invalid input for ${tool}: ${error}`,

  calls_failed({ turn, calls, failed, all, failures }) {
    const lines = failures.map(({ tool, error }) => `- ${tool}: ${error}`);
    if (failed > failures.length) lines.push(`- and ${count(failed - BATCH_FAILURES_SHOWN)} more`);
    const head = all ? 'Multiple errors occurred' : `${count(failed)} of ${plural(calls, 'call')} failed`;
    return `Turn ${turn}: ${head}:\n${lines.join('\n')}`;
  },
  compaction_failed: ({ why }) => `The conversation could not be compacted: ${why}`,
  compaction_fell_back: ({ why }) => why,
  provider_data_dropped: ({ turn, bytes, max }) =>
    `Turn ${turn}: the provider sent ${count(bytes)} bytes beside text and calls, of which ${count(max)} are kept at most. None of ` +
    'it goes back with the next request, which the provider may refuse or answer worse.',
  messages_unanswered: ({ messages }) => `The run ended before ${plural(messages, 'message')} could be answered.`,
  signal_unreadable: ({ signal }) => `A signal "${signal}" could not be read, and was dropped.`,
  more_warnings: () => 'More went wrong after this; the history has all of it.',

  invalid_request: ({ problem }) => problem,
  not_a_session: ({ workflowId }) =>
    `${workflowId} is not a session. Steer or stop it, or start one with session: true.`,
  run_ending: ({ workflowId }) => `${workflowId} is about to end and takes no more messages.`,
  queue_full: ({ queued }) => `${plural(queued, 'message')} wait to be answered. Send more when they are.`,
  reply_forgotten: ({ message }) => `The reply to message ${message} is no longer kept in the run; its history has it.`,
  not_a_call: ({ given }) => `${given} names no call. A call is named by its turn and slot, such as "2.0".`,
  no_such_call: ({ workflowId, call }) => `${workflowId} has no call ${call}.`,
  call_over: ({ call }) => `The call ${call} is over.`,
  call_not_pending: ({ call }) => `The call ${call} does not wait for a decision.`,
  call_external: ({ call }) => `The call ${call} is carried out elsewhere: respond with its result, or reject it.`,
  call_changed: ({ call }) =>
    `The call ${call} has another tool or other arguments than those that were decided about. Look again.`,
  decider_not_named: ({ call }) =>
    `Not everybody may decide about the call ${call}. Say who decides with "by", and in which roles with "roles".`,
  decider_not_allowed: ({ call, by, allowed }) =>
    `${by} may not decide about the call ${call}, which is for ${allowed.join(' or ')}. Anybody may reject it.`,
  decider_is_initiator: ({ call, by }) =>
    `${by} started the run, and may not decide about the call ${call}: somebody else has to. Anybody may reject it.`,
  initiator_unknown: ({ call }) =>
    `Whoever started the run may not decide about the call ${call}, and it is not recorded who did: it can only be rejected. Start runs with "by".`,
  already_decided: ({ call, verdict, by }) =>
    `The call ${call} was decided already${by ? ` by ${by}` : ''}: ${verdict}.`,
  edit_rejected: ({ problem }) => `The new arguments are not accepted: ${problem}`,
  edit_not_planned: ({ error }) => `The new arguments could not be checked: ${error}`,
  invalid_raise: ({ problem }) => problem,
};

const TOO_LARGE = { event: 'an event', body: 'a body', stream: 'a stream' } as const;

const NOT_STARTED = {
  cancelled: 'cancelled before it started',
  interrupted: 'interrupted before it started',
  stopped: 'not run: the run was asked to stop',
} as const;

const SUB_AGENT_LOST = {
  terminated: 'it was terminated',
  timed_out: 'it timed out',
  id_taken: 'a run with its id is already in progress',
  failed: 'it was lost',
} as const;

function budgetReached({ limit, amount, spent }: ReasonParameters['budget_reached']): string {
  switch (limit) {
    case 'tokens':
      return `The budget of ${plural(amount, 'token')} is used up (${count(spent)}).`;
    case 'cost':
      return `The cost budget of ${amount} is used up (cost so far ${costText(spent)}).`;
    case 'modelCalls':
      return `The budget of ${plural(amount, 'model call')} is used up.`;
    case 'toolCalls':
      return `The budget of ${plural(amount, 'tool call')} is used up.`;
    case 'activeMs':
      return `The budget of ${inWords(amount)} of active time is used up.`;
  }
}

/** `0.04665`: rounded far below the smallest coin. */
export function costText(cost: number): string {
  return String(cost >= 100 ? Number(cost.toFixed(2)) : Number(cost.toPrecision(4)));
}
