// The updates that an execution was sent, and their answers.
import type { coresdk, temporal } from '@temporalio/proto';
import type { Payload, PayloadFields } from '../fields.ts';
import { failedPrecondition, notFound } from '../serviceError.ts';
import type { Failure } from './activityRun.ts';
import { IDENTITY, type Owner } from './owner.ts';

export interface Outcome {
  readonly success?: temporal.api.common.v1.IPayloads | null;
  readonly failure?: Failure | null;
}

export interface Update {
  readonly id: string;
  readonly name: string;
  readonly input: readonly Payload[];
  readonly headers: PayloadFields | null | undefined;
  acceptedEventId: number | null;
  outcome: Outcome | null;
}

/** `history.maxTotalUpdates.suggestContinueAsNewThreshold` of Temporal's server. */
const MANY = 0.9;

export class Updates {
  readonly #owner: Owner;
  readonly #sent = new Map<string, Update>();

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** As Temporal's server, before an execution has as many as it may. */
  get areMany(): boolean {
    return this.#sent.size >= Math.floor(this.#owner.host.updatesMax * MANY);
  }

  send(id: string, name: string, input: readonly Payload[], headers: PayloadFields | null | undefined): Update {
    const { updatesMax } = this.#owner.host;
    if (this.#sent.size >= updatesMax)
      throw failedPrecondition(
        `The limit on the total number of distinct updates in this workflow has been reached (${updatesMax}).`,
      );
    const update: Update = { id, name, input, headers, acceptedEventId: null, outcome: null };
    this.#sent.set(id, update);
    this.#owner.happen(() =>
      this.#owner.give({
        doUpdate: {
          id,
          protocolInstanceId: id,
          name,
          input: [...input],
          headers: { ...headers },
          meta: { identity: IDENTITY, updateId: id },
          runValidator: true,
        },
      }),
    );
    return update;
  }

  /** One that was refused is forgotten: its id may be used again. */
  get(id: string): Update | undefined {
    return this.#sent.get(id);
  }

  /** Those that the workflow has not seen. */
  get unseen(): readonly Update[] {
    return [...this.#sent.values()].filter(
      ({ acceptedEventId, outcome }) => acceptedEventId === null && outcome === null,
    );
  }

  respond({ protocolInstanceId, accepted, rejected, completed }: coresdk.workflow_commands.IUpdateResponse): void {
    const update = this.#sent.get(protocolInstanceId ?? '');
    if (!update) return;
    const { id, name, input } = update;
    if (accepted)
      update.acceptedEventId = this.#owner.history.add('workflowExecutionUpdateAcceptedEventAttributes', {
        protocolInstanceId: id,
        acceptedRequestMessageId: `${id}/request`,
        acceptedRequest: {
          meta: { updateId: id, identity: IDENTITY },
          input: { name, args: { payloads: [...input] }, header: { fields: { ...update.headers } } },
        },
      });
    else if (rejected && update.acceptedEventId === null) {
      update.outcome = { failure: rejected };
      this.#sent.delete(id);
    } else {
      update.outcome = rejected ? { failure: rejected } : { success: { payloads: completed ? [completed] : [] } };
      this.#owner.history.add('workflowExecutionUpdateCompletedEventAttributes', {
        meta: { updateId: id, identity: IDENTITY },
        acceptedEventId: update.acceptedEventId,
        outcome: update.outcome,
      });
    }
  }

  /** The update's answer; throws if the execution is over without one. */
  answerTo(
    update: Update,
    { isAcceptedEnough, isOpen }: { readonly isAcceptedEnough: boolean; readonly isOpen: boolean },
  ): { readonly outcome: Outcome | null } | null {
    if (update.outcome) return { outcome: update.outcome };
    if (update.acceptedEventId !== null && isAcceptedEnough) return { outcome: null };
    if (isOpen) return null;
    if (update.acceptedEventId === null) throw notFound('workflow execution already completed');
    return {
      outcome: {
        failure: {
          message: 'Workflow Update failed because the Workflow completed before the Update completed.',
          source: 'Server',
          applicationFailureInfo: { type: 'AcceptedUpdateCompletedWorkflow', nonRetryable: true },
        },
      },
    };
  }
}
