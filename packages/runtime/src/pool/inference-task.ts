import type { Graph } from '@q/ir';
import type { Feeds } from '../feeds.ts';
import { createSession, type Outputs, type SessionOptions } from '../session.ts';
import type { WorkerTask } from './task.ts';

export interface InferenceInit {
  readonly graph: Graph;
  /** Compiled kernels; without them every worker compiles its own. */
  readonly module?: WebAssembly.Module;
  readonly nonFinite?: NonNullable<SessionOptions['nonFinite']>;
}

/** The simplest task: a message is one sample's feeds, the reply its network outputs. */
export async function createTask({ graph, module, nonFinite }: InferenceInit): Promise<WorkerTask<Feeds, Outputs>> {
  const session = await createSession(graph, { ...(module && { module }), ...(nonFinite && { nonFinite }) });
  return {
    run: (feeds) => session.run(feeds),
    transfer: (outputs) => [...outputs.values()].map(({ buffer }) => buffer as ArrayBuffer),
    dispose: () => session.dispose(),
  };
}
