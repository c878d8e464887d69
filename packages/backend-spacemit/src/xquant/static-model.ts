import type { Graph } from '@q/ir';
import type { Dispatch } from '../dispatch.ts';
import { codedValues, insertPairs, type QdqSettings } from '../lower.ts';
import { asymmetricParameters, type Int8Parameters } from '../parameters.ts';
import type { Range } from './calibrate/observe.ts';

/** Everything that decides the numbers of a statically quantized network. */
export interface StaticModel {
  /** The float network, prepared and equalized. */
  readonly graph: Graph;
  readonly chosen: Dispatch;
  readonly settings: Pick<QdqSettings, 'gemmWeight' | 'biasFormat' | 'floatValues' | 'constantOf'>;
}

/** The network with quantized constants and float activations: what ranges are measured on (spacemit.md 8.4). */
export function withQuantizedConstants({ graph, chosen, settings }: StaticModel): Graph {
  return insertPairs(graph, { ...settings, chip: 'k1', chosen });
}

/** Names of the values that get codes. */
export function valuesWithCodes({ graph, chosen, settings }: StaticModel): string[] {
  const names = new Set<string>();
  const parametersOf = (name: string): Int8Parameters => {
    names.add(name);
    return { scale: 1, zeroPoint: 0 };
  };
  insertPairs(graph, { ...settings, chip: 'k1', chosen, parametersOf });
  return [...names];
}

/** What carries codes in the whole network: the inputs of a block among them are not quantized a second time. */
export function codedIn(model: StaticModel, parameters: ReadonlyMap<string, Int8Parameters>) {
  const { graph, chosen, settings } = model;
  return codedValues(graph, { ...settings, chip: 'k1', chosen, parametersOf: (name) => parameters.get(name) });
}

/** One block of the network with codes; `coded` are the values that carry some. */
export function blockWithPairs(
  block: Graph,
  model: StaticModel,
  parameters: ReadonlyMap<string, Int8Parameters>,
  coded: ReadonlyMap<string, Int8Parameters>,
): Graph {
  const chosen = new Set(block.ops.filter((op) => model.chosen.has(op)));
  const inputs = new Set(block.ops.filter(({ type }) => type === 'top.Input').map(({ name }) => name));
  const given = new Map([...coded].filter(([name]) => inputs.has(name)));
  const parametersOf = (name: string) => parameters.get(name);
  return insertPairs(block, { ...model.settings, chip: 'k1', chosen, given, parametersOf });
}

/** The network with codes everywhere. */
export function withPairs(model: StaticModel, parameters: ReadonlyMap<string, Int8Parameters>): Graph {
  const { graph, chosen, settings } = model;
  return insertPairs(graph, { ...settings, chip: 'k1', chosen, parametersOf: (name) => parameters.get(name) });
}

export function parametersOfRanges(ranges: ReadonlyMap<string, Range>): Map<string, Int8Parameters> {
  return new Map([...ranges].map(([name, { min, max }]) => [name, asymmetricParameters(min, max)]));
}
