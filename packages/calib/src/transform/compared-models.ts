import type { Feeds } from '@q/dataset';
import { dequantize, type Graph, QError, type TypedArray, typeOf } from '@q/ir';
import { createSession, type Session } from '@q/runtime';
import { vendorCosine } from './similarity.ts';

/** A layer whose agreement counts, and how much. */
export interface ComparedLayer {
  readonly name: string;
  readonly rate: number;
}

/** A network whose every value can be read as real numbers after a run. */
export class ReadableModel {
  readonly graph: Graph;
  readonly #session: Session;

  private constructor(graph: Graph, session: Session) {
    this.graph = graph;
    this.#session = session;
  }

  static async open(graph: Graph): Promise<ReadableModel> {
    return new ReadableModel(graph, await createSession(graph, { retain: 'all', nonFinite: 'allow' }));
  }

  run(feeds: Feeds): void {
    this.#session.run(feeds);
  }

  /**
   * Computes `opName` and what follows from it, on values that another model has computed.
   *
   * @param before the model whose values `opName` and the later ops read
   */
  runFrom(opName: string, before: ReadableModel): void {
    const names = this.#session.suffixInputs(opName);
    this.#session.runFrom(opName, new Map(names.map((name) => [name, before.#session.read(name)])));
  }

  has(name: string): boolean {
    return this.graph.values.has(name);
  }

  /** A value as real numbers. */
  read(name: string): Float32Array {
    const data = this.#session.read(name) as TypedArray;
    const values = dequantize(data, typeOf(this.graph, name)!);
    return values instanceof Float32Array ? values : Float32Array.from(values as ArrayLike<number>);
  }

  dispose(): void {
    this.#session.dispose();
  }
}

/**
 * How well the outputs agree (search.md 1.2): paired by position, each with rate 1; or the compared layers by name.
 *
 * @throws QError `calib.compare` when a layer or an output has no counterpart
 */
export function outputScore(
  reference: readonly Float32Array[],
  model: ReadableModel,
  layers: readonly ComparedLayer[],
): number {
  const names = layers.length === 0 ? model.graph.outputs : layers.map(({ name }) => name);
  const rates = layers.length === 0 ? names.map(() => 1) : layers.map(({ rate }) => rate);
  let [sum, all] = [0, 0];
  names.forEach((name, k) => {
    sum += rates[k]! * vendorCosine(reference[k]!, model.read(name));
    all += rates[k]!;
  });
  return sum / all;
}

/** What `outputScore` compares with, from a model that has run. */
export function scoredValues(model: ReadableModel, layers: readonly ComparedLayer[]): Float32Array[] {
  const names = layers.length === 0 ? model.graph.outputs : layers.map(({ name }) => name);
  return names.map((name) => {
    if (model.has(name)) return model.read(name);
    throw new QError(`There is no layer ${name} to compare.`, {
      code: 'calib.compare',
      where: name,
      expected: 'names of layers of the network',
    });
  });
}
