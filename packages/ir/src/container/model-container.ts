import { type Graph, inputsOf, typeOf } from '../graph.ts';
import { parseMlir } from '../mlir/parse.ts';
import { printMlir } from '../mlir/print.ts';
import { readNpz, writeNpz } from '../npz.ts';
import type { Plan } from '../plan.ts';
import type { TensorType } from '../tensor-type.ts';

/** What a caller has to know of one input or output. */
export interface ContainerTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Storage type: `f32`, `i8`, `u8`, … */
  readonly dtype: string;
  /** Of integer tensors: real = scale · (code − zeroPoint). */
  readonly scale?: number;
  readonly zeroPoint?: number;
}

/** The `META` section. */
export interface ContainerMetadata {
  readonly name: string;
  readonly processor: string;
  /** Precision of the layers that no quantize table names, e.g. `INT8`. */
  readonly precision: string;
  readonly asymmetric: boolean;
  readonly inputs: readonly ContainerTensor[];
  readonly outputs: readonly ContainerTensor[];
  /** Says in words what the file is and is not. */
  readonly note: string;
}

/** A lowered network as one file holds it. */
export interface ModelContainer {
  readonly metadata: ContainerMetadata;
  /** The module in `.mlir` text. */
  readonly text: string;
  /** Its weights: an npz archive. */
  readonly weights: Uint8Array;
}

/** The one line that every container carries. */
export const CONTAINER_NOTE =
  'holds the quantized network for simulation and hand-over, not instructions of the chip: those only the compiler of its vendor makes';

/** What `writeContainer` takes, made of a lowered graph. */
export function containerOf(lowered: Graph, plan: Plan): ModelContainer {
  const { text, weights } = printMlir(lowered, { weightFile: `${lowered.name}_weights.npz` });
  const describe = (name: string): ContainerTensor => describeTensor(name, typeOf(lowered, name)!);
  return {
    metadata: {
      name: lowered.name,
      processor: plan.processor,
      precision: plan.precision,
      asymmetric: plan.asymmetric,
      inputs: inputsOf(lowered).map((op) => describe(op.name)),
      outputs: lowered.outputs.map(describe),
      note: CONTAINER_NOTE,
    },
    text,
    weights: writeNpz(weights),
  };
}

/**
 * The graph that a container holds.
 *
 * @throws QError of the `.mlir` and npz readers, with `where` as the place
 */
export function graphOfContainer(container: ModelContainer, where = 'model'): Graph {
  return parseMlir(container.text, readNpz(container.weights, `${where}, WGHT`), `${where}, MLIR`);
}

function describeTensor(name: string, { shape, dtype, quantization }: TensorType): ContainerTensor {
  if (quantization?.kind !== 'uniform') return { name, shape, dtype };
  return { name, shape, dtype, scale: quantization.scale, zeroPoint: quantization.zeroPoint };
}
