import type { KernelPreference } from '../preferred-kernels.ts';
import type { ErrorData } from './error-data.ts';

/** From the pool to a worker. */
export type Request =
  | {
      readonly kind: 'start';
      readonly taskUrl: string | undefined;
      readonly init: unknown;
      readonly kernels: KernelPreference;
    }
  | { readonly kind: 'run'; readonly id: number; readonly message: unknown };

/** From a worker to the pool: `id` 0 answers `start`. */
export type Response =
  | { readonly id: number; readonly ok: true; readonly reply?: unknown }
  | { readonly id: number; readonly ok: false; readonly error: ErrorData };

/** One end of the channel between the pool and a worker, whatever the platform. */
export interface Port {
  post(message: Request | Response, transfer?: readonly Transferable[]): void;
  onMessage(listener: (message: never) => void): void;
}

/** The pool's end. */
export interface WorkerPort extends Port {
  /** Called once when the worker ends by itself: with what it died of. */
  onCrash(listener: (reason: string) => void): void;
  /** Whether the process must wait for this worker; browsers ignore it. */
  keepAlive(isBusy: boolean): void;
  terminate(): Promise<void>;
}
