import type { Emit, Graph, Weight } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import { insertPairs } from '../../lower.ts';
import { type Int8Parameters, roundHalfEven } from '../../parameters.ts';
import { ErrorSums } from '../analyse/error-sums.ts';
import { type BlockGraph, blockGraph, blocksOf } from '../calibrate/blocks.ts';
import type { CalibrationData } from '../data/calibration-data.ts';
import { logLine } from '../log/log-line.ts';
import { SeededRandom } from '../seeded-random.ts';
import { blockWithPairs, codedIn, type StaticModel, withPairs, withQuantizedConstants } from '../static-model.ts';
import { Adam } from './adam.ts';
import { BlockProgram, stepsKey } from './block-program.ts';
import { isDifferentiable } from './gradient/evaluate.ts';
import { gradientOf, Tape } from './gradient/tape.ts';

export interface LearningRequest {
  /** With corrected biases. */
  readonly model: StaticModel;
  /** The float network: what the blocks are to give. */
  readonly reference: Graph;
  readonly parameters: ReadonlyMap<string, Int8Parameters>;
  readonly data: CalibrationData;
  /** Blocks to tune: 5 at level 2, 10 at level 3. */
  readonly blocks: number;
  readonly seed: number;
  readonly emit: Emit;
}

export interface Learned {
  readonly graph: Graph;
  readonly parameters: ReadonlyMap<string, Int8Parameters>;
  /** Scales of filters, by weight name, where they were learned. */
  readonly filterScales: ReadonlyMap<string, readonly number[]>;
}

const LEARNING_RATE = 1e-4;
const ROUNDS = 2;

/**
 * Learned step sizes (LSQ; spacemit.md 8.7): the blocks that quantization hurts most learn their filters and scales, so that
 * they give what the float network gives on the inputs that the quantized network feeds them. A block keeps what it had
 * when its error did not fall, or when the network's outputs, on the same batches, got worse for it: a block can come closer
 * to its float values and still move the outputs away from theirs.
 */
export async function learnSteps(request: LearningRequest): Promise<Learned> {
  const { model, emit, seed } = request;
  const chosen = await worstBlocks(request);
  const random = new SeededRandom(seed);
  const weights = new Map(model.graph.weights);
  const state = { parameters: new Map(request.parameters), filterScales: new Map<string, readonly number[]>() };
  const current = (): StaticModel => ({
    ...model,
    graph: { ...model.graph, weights: new Map(weights) },
    settings: { ...model.settings, constantOf: withScales(weights, state.filterScales) },
  });
  const pairs = () => withPairs(current(), state.parameters);
  const targets = await outputsOf(request.reference, request.data);
  let least = outputError(await outputsOf(pairs(), request.data), targets);
  for (const [index, block] of chosen.entries()) {
    const samples = await collectSamples(request, pairs(), block);
    const tuned = tuneBlock(blockGraph(current().graph, block), { model: current(), state, samples, random, emit });
    let isKept = false;
    if (tuned !== undefined) {
      const undo = { weights: new Map(weights), ...copyOf(state) };
      accept(tuned, { weights, state, emit });
      const error = outputError(await outputsOf(pairs(), request.data), targets);
      isKept = error <= least;
      if (isKept) least = error;
      else restore({ weights, state }, undo);
    }
    const name = block.ops[0]!.name;
    const text = isKept
      ? `Tuning Finished: (${tuned!.before.toFixed(5)} -> ${tuned!.after.toFixed(5)})`
      : 'Tuning Finished: loss no change and withdraw.';
    logLine(emit, 'optimizer.training', text);
    emit({
      type: 'progress',
      task: 'Runtime Calibration Single Block Finetune',
      done: index + 1,
      total: chosen.length,
      label: `${name} ${text}`,
    });
  }
  return { graph: current().graph, ...state };
}

type Outputs = ReadonlyMap<string, ArrayLike<number>>;

async function outputsOf(graph: Graph, data: CalibrationData): Promise<Outputs[]> {
  const session = await createSession(graph, { nonFinite: 'allow' });
  try {
    const outputs: Outputs[] = [];
    for (let i = 0; i < data.length; i++) outputs.push(session.run(await data.batch(i)));
    return outputs;
  } finally {
    session.dispose();
  }
}

/** Noise over signal, summed over batches and network outputs, so that each of them counts the same. */
function outputError(found: readonly Outputs[], targets: readonly Outputs[]): number {
  let total = 0;
  found.forEach((outputs, i) => {
    for (const [name, values] of outputs) total += new ErrorSums().add(targets[i]!.get(name)!, values).snr;
  });
  return total;
}

const copyOf = ({ parameters, filterScales }: TuningState): TuningState => ({
  parameters: new Map(parameters),
  filterScales: new Map(filterScales),
});

interface Tunable {
  readonly weights: Map<string, Weight>;
  readonly state: TuningState;
}

function restore({ weights, state }: Tunable, undo: TuningState & Pick<Tunable, 'weights'>): void {
  refill(weights, undo.weights);
  refill(state.parameters, undo.parameters);
  refill(state.filterScales, undo.filterScales);
}

function refill<T>(map: Map<string, T>, from: ReadonlyMap<string, T>): void {
  map.clear();
  for (const [key, value] of from) map.set(key, value);
}

/** Codes of filters whose scales were learned. */
export function withScales(
  weights: ReadonlyMap<string, Weight>,
  learned: ReadonlyMap<string, readonly number[]>,
): NonNullable<StaticModel['settings']['constantOf']> {
  return (name, quantized) => {
    const scales = learned.get(name);
    const data = weights.get(name)?.data;
    if (scales === undefined || !(data instanceof Float32Array)) return quantized;
    const inner = data.length / scales.length;
    const codes = Int8Array.from(data, (value, i) => {
      const code = Math.fround(value / scales[Math.floor(i / inner)]!);
      return Math.min(127, Math.max(-128, roundHalfEven(code)));
    });
    return { ...quantized, codes, scales };
  };
}

/** The blocks of largest error, in graph order: quantized on inputs without errors, against the float activations. */
async function worstBlocks({ model, parameters, data, blocks: wanted, emit }: LearningRequest): Promise<BlockGraph[]> {
  const { graph } = model;
  const all = blocksOf(graph).filter(({ ops }) => ops.some((op) => model.chosen.has(op)));
  const blocks = all
    .filter(({ ops }) => ops.every((op) => isDifferentiable(op, graph)))
    .map((block) => blockGraph(graph, block));
  if (blocks.length < all.length) {
    const message = `${all.length - blocks.length} of ${all.length} blocks hold operators without gradients and are not tuned`;
    emit({ type: 'warning', code: 'xquant.finetune.skipped', message });
  }
  const losses = new Float64Array(blocks.length);
  const coded = codedIn(model, parameters);
  const session = await createSession(withQuantizedConstants(model), { nonFinite: 'allow' });
  const sessions: Session[] = [];
  const names = new Set(blocks.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]));
  try {
    for (const block of blocks) {
      sessions.push(await createSession(blockWithPairs(block.graph, model, parameters, coded), { nonFinite: 'allow' }));
    }
    for (let i = 0; i < data.length; i++) {
      const seen = new Map<string, Float32Array>();
      session.run(await data.batch(i), (name, pointer, length) => {
        if (names.has(name)) seen.set(name, new Float32Array(session.kernels.memory.buffer, pointer, length).slice());
      });
      blocks.forEach(({ inputs, outputs }, b) => {
        const found = sessions[b]!.run(new Map(inputs.map((name) => [name, seen.get(name)!])));
        const errors = outputs.map((name) => meanSquare(found.get(name) as Float32Array, seen.get(name)!));
        losses[b]! += Math.max(...errors);
      });
    }
  } finally {
    for (const open of [session, ...sessions]) open.dispose();
  }
  const order = [...losses.keys()].sort((a, b) => losses[b]! - losses[a]! || a - b).slice(0, wanted);
  return order.sort((a, b) => a - b).map((b) => blocks[b]!);
}

function meanSquare(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum / a.length;
}

/** What goes into a block in the quantized network, and what comes out in the float one. */
interface Sample {
  readonly inputs: ReadonlyMap<string, Float32Array>;
  readonly targets: ReadonlyMap<string, Float32Array>;
}

async function collectSamples(
  { reference, data }: LearningRequest,
  quantized: Graph,
  block: BlockGraph,
): Promise<Sample[]> {
  const [inputs, targets] = [
    await collect(quantized, block.inputs, data),
    await collect(reference, block.outputs, data),
  ];
  return inputs.map((own, i) => ({ inputs: own, targets: targets[i]! }));
}

async function collect(
  graph: Graph,
  names: readonly string[],
  data: CalibrationData,
): Promise<Map<string, Float32Array>[]> {
  const wanted = new Set(names);
  const session = await createSession(graph, { nonFinite: 'allow' });
  const found: Map<string, Float32Array>[] = [];
  try {
    for (let i = 0; i < data.length; i++) {
      const seen = new Map<string, Float32Array>();
      session.run(await data.batch(i), (name, pointer, length) => {
        if (wanted.has(name)) seen.set(name, new Float32Array(session.kernels.memory.buffer, pointer, length).slice());
      });
      found.push(seen);
    }
  } finally {
    session.dispose();
  }
  return found;
}

interface TuningState {
  readonly parameters: Map<string, Int8Parameters>;
  readonly filterScales: Map<string, readonly number[]>;
}

export interface Tuned {
  readonly program: Pick<BlockProgram, 'filters' | 'filterScales' | 'steps'>;
  /** Values whose parameters the block uses, with the key of their variable. */
  readonly asked: ReadonlyMap<string, string>;
  readonly before: number;
  readonly after: number;
}

interface BlockRequest {
  readonly model: StaticModel;
  readonly state: TuningState;
  readonly samples: readonly Sample[];
  readonly random: SeededRandom;
  readonly emit: Emit;
}

function tuneBlock(block: BlockGraph, { model, state, samples, random, emit }: BlockRequest): Tuned | undefined {
  const asked = new Map<string, string>();
  const parametersOf = (name: string) => {
    const own = state.parameters.get(name);
    if (own !== undefined) asked.set(name, stepsKey(own));
    return own;
  };
  const inputs = new Set(block.inputs);
  const given = new Map([...codedIn(model, state.parameters)].filter(([name]) => inputs.has(name)));
  const chosen = new Set(block.graph.ops.filter((op) => model.chosen.has(op)));
  const quantized = insertPairs(block.graph, { ...model.settings, chip: 'k1', chosen, given, parametersOf });
  const program = new BlockProgram(quantized, block.graph);
  const variables = program.variables();
  const before = meanLoss(program, samples);
  const optimizer = new Adam(variables, LEARNING_RATE);
  let best = { loss: before, values: undefined as readonly Float32Array[] | undefined };
  for (let round = 0; round < ROUNDS; round++) {
    for (const [step, i] of random.shuffled(samples.length).entries()) {
      const tape = new Tape();
      loss(tape, program, samples[i]!);
      tape.backward();
      optimizer.update();
      const done = round * samples.length + step + 1;
      emit({ type: 'progress', task: 'Block Tuning', done, total: ROUNDS * samples.length });
    }
    const after = meanLoss(program, samples);
    if (after < best.loss) best = { loss: after, values: variables.map(({ data }) => data.slice()) };
  }
  if (best.values === undefined) return undefined;
  variables.forEach(({ data }, k) => {
    data.set(best.values![k]!);
  });
  return { program, asked, before, after: best.loss };
}

function meanLoss(program: BlockProgram, samples: readonly Sample[]): number {
  return samples.reduce((sum, sample) => sum + loss(new Tape(), program, sample), 0) / samples.length;
}

/** Sum over the block's outputs of the mean squared error, whose gradient is put into the outputs. */
function loss(tape: Tape, program: BlockProgram, { inputs, targets }: Sample): number {
  let total = 0;
  const outputs = program.run(tape, inputs);
  for (const [name, node] of outputs) {
    const target = targets.get(name)!;
    const gradient = gradientOf(node);
    for (let i = 0; i < target.length; i++) {
      const error = node.data[i]! - target[i]!;
      total += (error * error) / target.length;
      gradient[i]! += (2 * error) / target.length;
    }
  }
  return total;
}

/** A scale that was driven through zero keeps its old value. */
export function accept({ program, asked }: Tuned, { weights, state, emit }: Tunable & { readonly emit: Emit }): void {
  const refuse = (where: string) => {
    const message = `tqc.scale for ${where} < 0, you can change fintune_level <= 1.`;
    emit({ type: 'warning', code: 'xquant.finetune.scale', where, message });
  };
  for (const [name, { data }] of program.filters) weights.set(name, { ...weights.get(name)!, data });
  for (const [name, { data }] of program.filterScales) {
    if (data.length === 1) continue;
    if (data.every((scale) => scale > 0)) state.filterScales.set(name, [...data]);
    else refuse(name);
  }
  for (const [name, key] of asked) {
    const scale = program.steps.get(key)?.data[0];
    if (scale === undefined) continue;
    if (scale > 0) state.parameters.set(name, { ...state.parameters.get(name)!, scale });
    else refuse(name);
  }
}
