import { type Graph, type Op, saturate, type TypedArray } from '@q/ir';
import type { TensorSlot } from '@q/runtime';
import type { OutputTensors } from '../output-comparison.ts';
import { comparedNames, realsOf } from './sample-score.ts';
import type { SteppedNetwork } from './stepped-network.ts';

export interface MixedRun {
  /** The lowered network with some layers in float. */
  readonly mixed: Graph;
  readonly int8: SteppedNetwork;
  readonly float: SteppedNetwork;
  /** Values at which the run begins, by name, and whether the float network's data are taken. */
  readonly crossing: ReadonlyMap<string, 'float' | 'int8'>;
  /** Layers whose casts to codes are wanted. */
  readonly requantized: readonly string[];
  readonly compared?: readonly string[] | undefined;
}

/** Results of one sample: what is compared, and the codes that each layer has behind its cast (absent: none). */
export interface MixedSample {
  readonly outputs: OutputTensors;
  readonly codes: ReadonlyMap<string, TypedArray>;
}

/** Runs a mixed network from given values on, sample by sample; `visit` must copy what it keeps. */
export function runMixed(run: MixedRun, samples: number, visit: (sample: number, result: MixedSample) => void): void {
  const { mixed, int8, float, requantized } = run;
  const crossing = [...run.crossing].filter(([name]) => mixed.values.has(name));
  const casts = castsOf(mixed, int8.graph, requantized);
  const names = comparedNames(mixed, run.compared);
  const variant = int8.workbench.variant(mixed, {
    given: crossing.map(([name]) => name),
    keep: [...names, ...casts.values()],
  });
  try {
    for (let sample = 0; sample < samples; sample++) {
      const given = crossing.map(([name, from]): [string, TypedArray] => {
        const source = from === 'float' ? float : int8;
        return [name, fitted(variant.slot(name), source.data(sample, name), () => source.reals(sample, name))];
      });
      variant.load(new Map(given));
      variant.run();
      const slotOf = (name: string): TensorSlot => variant.slot(name);
      visit(sample, {
        outputs: realsOf(names, slotOf),
        codes: new Map([...casts].map(([layer, cast]) => [layer, variant.read(cast)])),
      });
    }
  } finally {
    variant.dispose();
  }
}

/**
 * The last cast to codes that reads a layer, by layer; the layer itself where the INT8 network, too, has it in float: what reads it
 * there casts on its own.
 */
function castsOf(mixed: Graph, int8: Graph, layers: readonly string[]): Map<string, string> {
  const reads = (op: Op, layer: string): boolean => op.type === 'tpu.Cast' && op.inputs.includes(layer);
  const hasCodes = (graph: Graph, name: string): boolean => graph.values.get(name)?.quantization?.kind === 'uniform';
  const casts = new Map<string, string>();
  for (const layer of layers) {
    const isFloat = int8.values.has(layer) && !hasCodes(int8, layer);
    const cast = mixed.ops.findLast((op) => reads(op, layer) && hasCodes(mixed, op.name));
    if (isFloat && mixed.values.has(layer)) casts.set(layer, layer);
    else if (cast !== undefined) casts.set(layer, cast.name);
  }
  return casts;
}

/** Data as the mixed network stores the value: as they are, or through their reals where its type is another. */
function fitted(slot: TensorSlot, data: TypedArray, reals: () => ArrayLike<number>): TypedArray {
  const view = slot.view();
  if (view.constructor === data.constructor) return data;
  const { quantization } = slot.type;
  const result = new (view.constructor as new (length: number) => typeof view)(view.length);
  const values = reals();
  const type = slot.dtype === 'f32' ? undefined : slot.dtype;
  for (let i = 0; i < result.length; i++) {
    const real = values[i]!;
    result[i] =
      type === undefined || quantization?.kind !== 'uniform'
        ? real
        : saturate(real / quantization.scale + quantization.zeroPoint, type);
  }
  return result;
}
