import { bytesOf, type Graph, QError, typeOf } from '@q/ir';
import { type KernelVariant, kernelVariant } from '@q/runtime';

/** What statistics are valid for: the same layers, computing with the same weights and the same kernels. */
export interface Fingerprint {
  /** One line per layer: name, type, inputs and shapes. */
  readonly layers: readonly string[];
  /** SHA-256 over the weights, in the order of their names. */
  readonly weights: string;
  /** Kernels that computed the values; absent: the default ones. */
  readonly kernels?: Exclude<KernelVariant, 'default'>;
}

/** The fingerprint of a network and of the kernels that sessions take. */
export async function fingerprintOf(graph: Graph): Promise<Fingerprint> {
  const layers = graph.ops.map(
    (op) =>
      `${op.name} ${op.type} (${op.inputs.join(', ')}) -> ${op.outputs.map((name) => shapeOf(graph, name)).join(', ')}`,
  );
  const parts: Uint8Array[] = [];
  for (const name of [...graph.weights.keys()].sort()) {
    parts.push(new TextEncoder().encode(name), bytesOf(graph.weights.get(name)!.data));
  }
  const kernels = kernelVariant();
  return { layers, weights: await sha256(parts), ...(kernels !== 'default' && { kernels }) };
}

/** @throws QError `calib.statistics.model` when the statistics are of another network or of other kernels */
export function checkFingerprint(saved: Fingerprint, own: Fingerprint, where: string): void {
  const at = own.layers.findIndex((line, i) => line !== saved.layers[i]);
  const other = at < 0 && saved.layers.length > own.layers.length ? own.layers.length : at;
  if (other >= 0) {
    throw modelError(where, saved.layers[other] ?? 'no more layers', own.layers[other] ?? 'no more layers');
  }
  if (saved.weights !== own.weights)
    throw modelError(where, 'other weights in the same layers', 'the weights of this model');
  if (saved.kernels !== own.kernels) throw kernelsError(where, saved.kernels ?? 'default', own.kernels ?? 'default');
}

function kernelsError(where: string, found: KernelVariant, expected: KernelVariant): QError {
  return new QError(
    `The statistics ${where} are of the ${found} kernels; those of the ${expected} ones are asked for.`,
    {
      code: 'calib.statistics.model',
      where,
      found: `kernels ${found}`,
      expected: `kernels ${expected}`,
      hint: `choose the ${found} kernels again (on the command line Q_KERNELS=${found}), or collect them with the ${expected} ones`,
    },
  );
}

function modelError(where: string, found: string, expected: string): QError {
  return new QError(`The statistics ${where} are of another model: they know ${found}.`, {
    code: 'calib.statistics.model',
    where,
    found,
    expected,
    hint: 'collect them again; changed weights (weight equalization, bias correction) need new statistics too',
  });
}

function shapeOf(graph: Graph, name: string | null): string {
  return name === null ? 'none' : (typeOf(graph, name)?.shape.join('x') ?? '?');
}

async function sha256(parts: readonly Uint8Array[]): Promise<string> {
  // One digest of digests: a copy of all weights at once would double the memory of a large model.
  const digests: Uint8Array[] = [];
  for (const part of parts) digests.push(new Uint8Array(await crypto.subtle.digest('SHA-256', part as BufferSource)));
  const all = new Uint8Array(digests.length * 32);
  digests.forEach((digest, i) => {
    all.set(digest, i * 32);
  });
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', all));
  return [...hash].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
