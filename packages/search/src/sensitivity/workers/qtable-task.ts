import type { Graph } from '@q/ir';
import type { Feeds, WorkerTask } from '@q/runtime';
import { LocalQtableSamples, type QtableStep, type QtableTrial } from '../qtable-samples.ts';
import { MissingActivation } from '../stepped-network.ts';
import { applyPatch, type NetworkPatch } from './network-patch.ts';

/** What every worker of a walk is started with. */
export interface QtableTaskInit {
  readonly int8: Graph;
  readonly float: Graph;
  readonly compared: readonly string[] | undefined;
}

export type QtableMessage =
  /** First: the samples of this worker. */
  | { readonly kind: 'samples'; readonly feeds: readonly Feeds[] }
  | { readonly kind: 'int8' }
  | { readonly kind: 'visit'; readonly step: QtableStep }
  | { readonly kind: 'try'; readonly trial: Omit<QtableTrial, 'mixed'>; readonly mixed: NetworkPatch }
  | { readonly kind: 'release'; readonly int8: readonly string[]; readonly float: readonly string[] };

export interface QtableReply {
  /** Per sample of the worker. */
  readonly values: Float64Array;
  /** Which activation is not there: errors lose their class between threads. */
  readonly missing?: string;
}

const NOTHING = new Float64Array(0);

/** Walks over the layers on the samples of one worker. */
export function createQtableTask({ int8, float, compared }: QtableTaskInit): WorkerTask<QtableMessage, QtableReply> {
  let own = new LocalQtableSamples({ int8, float, compared, samples: { length: 0, sample: () => new Map() } });
  const answer = async (message: QtableMessage): Promise<Float64Array> => {
    if (message.kind === 'int8') return own.int8Scores();
    if (message.kind === 'visit') return own.visit(message.step);
    if (message.kind === 'try') return own.tryFloat({ ...message.trial, mixed: applyPatch(int8, message.mixed) });
    if (message.kind === 'release') await own.release(message);
    else {
      const { feeds } = message;
      own = new LocalQtableSamples({
        ...{ int8, float, compared },
        samples: { length: feeds.length, sample: (index) => feeds[index]! },
      });
    }
    return NOTHING;
  };
  return {
    async run(message) {
      try {
        return { values: await answer(message) };
      } catch (error) {
        if (error instanceof MissingActivation) return { values: NOTHING, missing: error.message };
        throw error;
      }
    },
    dispose: () => void own.dispose(),
  };
}
