import { type Emit, type Graph, type Op, typeOf } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import { insertPairs } from '../../lower.ts';
import { BOUNDING, PASSIVE } from '../../operators.ts';
import type { Int8Parameters } from '../../parameters.ts';
import { type BlockGraph, blockGraph } from '../calibrate/blocks.ts';
import type { CalibrationData } from '../data/calibration-data.ts';
import { codedIn, type StaticModel } from '../static-model.ts';
import { ChannelErrors } from './channel-errors.ts';
import { channelsOf } from './output-channels.ts';

/** What one layer does to the outputs. */
export interface Contribution {
  readonly op: Op;
  /** Part of the outputs that is lost when this layer alone is quantized, 0 … 1 (`ChannelErrors`), mean over outputs. */
  readonly lost: number;
  /** Part of what all layers lose. */
  readonly share: number;
}

export interface ContributorsRequest {
  /** The float network that errors are measured against. */
  readonly float: Graph;
  /** The quantized network: weights, biases and settings as they are written. */
  readonly model: StaticModel;
  readonly parameters: ReadonlyMap<string, Int8Parameters>;
  readonly data: CalibrationData;
  /** Batches to measure on. */
  readonly batches: readonly number[];
  /** Network outputs that are looked at. */
  readonly outputs: readonly string[];
  readonly emit: Emit;
}

const MOST_LAYERS = 10;
/** Layers with less of the noise are not worth a name. */
const LEAST_SHARE = 0.02;
/** Runs of parts of the network that the search may take, about. */
const MOST_RUNS = 256;
const MOST_BATCHES = 4;

/**
 * The quantized layers that the outputs owe most of their noise to, the worst first, at most ten. Each layer is run alone in
 * codes, operands included, on what the float network feeds it; its result then goes through the rest of the float network.
 */
export async function largestContributors(request: ContributorsRequest): Promise<Contribution[]> {
  const { float, outputs, data, emit } = request;
  const units = unitsOf(request);
  const quantize = unitQuantizer(request);
  const layouts = outputs.map((name) => channelsOf(typeOf(float, name)!.shape));
  const errors = units.map(() => layouts.map((layout) => new ChannelErrors(layout)));
  const count = Math.min(MOST_BATCHES, Math.max(1, Math.floor(MOST_RUNS / units.length)));
  // One session keeps the exact values, the other one carries noise to the outputs.
  const exact = await createSession(float, { nonFinite: 'allow', retain: 'all' });
  const noisy = await createSession(float, { nonFinite: 'allow', retain: 'all' });
  try {
    for (const i of request.batches.slice(0, count)) {
      const feeds = await data.batch(i);
      const expected = exact.run(feeds);
      noisy.run(feeds);
      for (const [u, unit] of units.entries()) {
        const overrides = await alone(quantize(unit), unit, exact);
        const found = noisy.runFrom(unit.ops.at(-1)!.name, new Map(), overrides);
        for (const [o, name] of outputs.entries()) errors[u]![o]!.add(expected.get(name)!, found.get(name)!);
        emit({ type: 'progress', task: 'Largest contributors', done: u + 1, total: units.length });
      }
    }
  } finally {
    for (const session of [exact, noisy]) session.dispose();
  }
  return ranked(
    units.map(({ ops }) => ops[0]!),
    errors.map((own) => own.reduce((sum, { lost }) => sum + lost, 0) / outputs.length),
  );
}

function ranked(ops: readonly Op[], losses: readonly number[]): Contribution[] {
  const all = losses.reduce((sum, lost) => sum + lost, 0);
  if (all === 0) return [];
  return ops
    .map((op, u) => ({ op, lost: losses[u]!, share: losses[u]! / all }))
    .sort((a, b) => b.lost - a.lost)
    .filter(({ share }, rank) => rank === 0 || share >= LEAST_SHARE)
    .slice(0, MOST_LAYERS);
}

/** The results of a quantized layer on the values of the session's last run. */
async function alone(quantized: Graph, unit: BlockGraph, float: Session): Promise<Map<string, Float32Array>> {
  const session = await createSession(quantized, { nonFinite: 'allow' });
  try {
    const found = session.run(new Map(unit.inputs.map((name) => [name, float.read(name)])));
    return new Map(unit.outputs.map((name) => [name, found.get(name) as Float32Array]));
  } finally {
    session.dispose();
  }
}

/** One layer with pairs around it, its operands included. */
function unitQuantizer({ model, parameters }: ContributorsRequest): (unit: BlockGraph) => Graph {
  const coded = codedIn(model, parameters);
  const parametersOf = (name: string) => parameters.get(name) ?? coded.get(name);
  return ({ graph, ops }) => insertPairs(graph, { ...model.settings, chip: 'k1', chosen: new Set(ops), parametersOf });
}

/** Every quantized layer that the outputs depend on, with the Relu or Clip that its codes imply; the rest only moves data. */
function unitsOf({ model: { graph, chosen }, outputs }: ContributorsRequest): BlockGraph[] {
  const readers = new Map<string, Op[]>();
  for (const op of graph.ops)
    for (const name of new Set(op.inputs)) if (name !== null) readers.set(name, [...(readers.get(name) ?? []), op]);
  const boundOf = (op: Op): Op | undefined => {
    const [reader, ...others] = readers.get(op.outputs[0]!) ?? [];
    const isSole = reader !== undefined && others.length === 0 && !graph.outputs.includes(op.outputs[0]!);
    return isSole && BOUNDING.has(reader.type) && chosen.has(reader) ? reader : undefined;
  };
  const needed = ancestors(graph, outputs);
  const bounds = new Set<Op>();
  const units: Op[][] = [];
  for (const op of graph.ops) {
    if (!chosen.has(op) || PASSIVE.has(op.type) || bounds.has(op) || !needed.has(op)) continue;
    const bound = boundOf(op);
    if (bound !== undefined) bounds.add(bound);
    units.push(bound === undefined ? [op] : [op, bound]);
  }
  return units.map((ops) => {
    const inputs = ops[0]!.inputs.filter((name): name is string => name !== null && graph.values.has(name));
    const made = ops.at(-1)!.outputs.filter((name): name is string => name !== null);
    return blockGraph(graph, { ops, inputs: [...new Set(inputs)], outputs: made });
  });
}

function ancestors(graph: Graph, outputs: readonly string[]): Set<Op> {
  const wanted = new Set(outputs);
  const found = new Set<Op>();
  for (const op of graph.ops.toReversed()) {
    if (!op.outputs.some((name) => name !== null && wanted.has(name))) continue;
    found.add(op);
    for (const name of op.inputs) if (name !== null) wanted.add(name);
  }
  return found;
}
