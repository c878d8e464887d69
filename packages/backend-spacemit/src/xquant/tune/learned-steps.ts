import type { Emit, Graph, Weight } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import { insertPairs } from '../../lower.ts';
import { type Int8Parameters, roundHalfEven } from '../../parameters.ts';
import { type BlockGraph, blockGraph, blocksOf } from '../calibrate/blocks.ts';
import type { CalibrationData } from '../data/calibration-data.ts';
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
 * they give what the float network gives on the inputs that the quantized network feeds them. A block whose error grew
 * keeps what it had.
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
  for (const [index, block] of chosen.entries()) {
    const samples = await collectSamples(request, withPairs(current(), state.parameters), block);
    const tuned = tuneBlock(blockGraph(current().graph, block), { model: current(), state, samples, random });
    const name = block.ops[0]!.name;
    const label =
      tuned === undefined
        ? 'Tuning Finished: loss no change and withdraw.'
        : `Tuning Finished: (${tuned.before.toPrecision(4)} -> ${tuned.after.toPrecision(4)})`;
    if (tuned !== undefined) accept(tuned, weights, state);
    emit({
      type: 'progress',
      task: 'Runtime Calibration Single Block Finetune',
      done: index + 1,
      total: chosen.length,
      label: `${name} ${label}`,
    });
  }
  return { graph: current().graph, ...state };
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

interface Tuned {
  readonly program: BlockProgram;
  /** Values whose parameters the block uses, with the key of their variable. */
  readonly asked: ReadonlyMap<string, string>;
  readonly before: number;
  readonly after: number;
}

function tuneBlock(
  block: BlockGraph,
  {
    model,
    state,
    samples,
    random,
  }: { model: StaticModel; state: TuningState; samples: readonly Sample[]; random: SeededRandom },
): Tuned | undefined {
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
  const before = meanLoss(program, samples);
  const optimizer = new Adam(program.variables(), LEARNING_RATE);
  for (let round = 0; round < ROUNDS; round++) {
    for (const i of random.shuffled(samples.length)) {
      const tape = new Tape();
      loss(tape, program, samples[i]!);
      tape.backward();
      optimizer.update();
    }
  }
  const after = meanLoss(program, samples);
  return after < before ? { program, asked, before, after } : undefined;
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
function accept({ program, asked }: Tuned, weights: Map<string, Weight>, state: TuningState): void {
  for (const [name, { data }] of program.filters) weights.set(name, { ...weights.get(name)!, data });
  for (const [name, { data }] of program.filterScales) {
    if (data.length > 1 && data.every((scale) => scale > 0)) state.filterScales.set(name, [...data]);
  }
  for (const [name, key] of asked) {
    const scale = program.steps.get(key)?.data[0];
    if (scale !== undefined && scale > 0) state.parameters.set(name, { ...state.parameters.get(name)!, scale });
  }
}
