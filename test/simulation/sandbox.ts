// The SDK's workflow runtime without a worker or server, activated by hand.
import vm from 'node:vm';
import type { coresdk } from '@temporalio/proto';
import { VMWorkflow } from '@temporalio/worker/lib/workflow/vm.js';
import { injectGlobals, setUnhandledRejectionHandler } from '@temporalio/worker/lib/workflow/vm-shared.js';
import type { WorkflowInfo } from '@temporalio/workflow';

export type Activation = coresdk.workflow_activation.IWorkflowActivation;
export type Completion = coresdk.workflow_completion.IWorkflowActivationCompletion;

export interface Sandbox {
  /** One workflow at a time: the one before has to be disposed of. */
  start(options: {
    readonly info: WorkflowInfo;
    readonly seed: readonly number[];
    readonly nowMs: number;
  }): SandboxedRun;
}

export interface SandboxedRun {
  activate(activation: Activation): Promise<Completion>;
  /** What it logged at level WARN or above since the last time: the SDK's own complaints are among it. */
  warnings(): Promise<string[]>;
  dispose(): Promise<void>;
}

type Api = ConstructorParameters<typeof VMWorkflow>[3];

/**
 * One context for all workflows, as a worker has it that reuses its context. What one workflow leaves behind in it would be
 * seen by the next; the workflow's modules keep no state.
 */
export function createSandbox(code: string): Sandbox {
  // As the SDK makes it, so that all microtasks of a call have run when it returns.
  const context = vm.createContext({}, { microtaskMode: 'afterEvaluate' });
  injectGlobals(context);
  context['__webpack_module_cache__'] = {};
  new vm.Script(code, { filename: 'workflow-bundle.js' }).runInContext(context);
  const calls = new Map<string, vm.Script>();
  let current: VMWorkflow | undefined;
  listenForRejections(() => current);

  // The SDK calls in by name, and so does this.
  const api = new Proxy({} as Api, {
    get:
      (_, name) =>
      (...args: unknown[]) => {
        if (name === 'destroy') return undefined;
        let call = calls.get(String(name));
        if (!call) {
          call = new vm.Script(`__TEMPORAL__.api.${String(name)}(...__temporal_args)`);
          calls.set(String(name), call);
        }
        context['__temporal_args'] = args;
        return call.runInContext(context);
      },
  });

  return {
    start({ info, seed, nowMs }) {
      api.initRuntime({
        info,
        randomnessSeed: [...seed],
        now: nowMs,
        showStackTraceSources: false,
        sourceMap: { version: 3, sources: [], names: [], mappings: '', file: '' },
        getTimeOfDay: () => 0n,
        registeredActivityNames: new Set(),
        stackTracesEnabled: false,
      });
      const workflow = new VMWorkflow(info.runId, context, context['__TEMPORAL_ACTIVATOR__'], api);
      current = workflow;
      return {
        // The SDK takes the interface for the class; it only reads it.
        activate: (activation) => workflow.activate(activation as coresdk.workflow_activation.WorkflowActivation),
        async warnings() {
          const calls = await workflow.getAndResetSinkCalls();
          return calls
            .filter(({ fnName }) => fnName === 'warn' || fnName === 'error')
            .map(({ args }) => String(args[0]));
        },
        dispose: () => workflow.dispose(),
      };
    },
  };
}

let listening = false;
let currentOf: () => VMWorkflow | undefined;

/** The SDK's own listener, which fails the activation; a process has one. */
function listenForRejections(current: () => VMWorkflow | undefined): void {
  currentOf = current;
  if (listening) return;
  listening = true;
  setUnhandledRejectionHandler(() => currentOf());
}
