import { QError } from '@q/ir';
import type { Candidates } from '../detection/select-detections.ts';

/** One output of a detector for one image. */
export interface NetworkOutput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

export interface HeadOptions {
  /** Size of the network input in pixels. */
  readonly height: number;
  readonly width: number;
  /** Anchor widths and heights in pixels, by rising size; the head's published ones by default. */
  readonly anchors?: readonly (readonly [width: number, height: number])[] | undefined;
}

/** Reads a detector's outputs as boxes and scores. */
export type Head = (outputs: readonly NetworkOutput[], options: HeadOptions) => Candidates;

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** @throws QError `evaluate.head` */
export function headError(head: string, outputs: readonly NetworkOutput[], expected: string): QError {
  return new QError(`The outputs do not have the layout ${head}.`, {
    code: 'evaluate.head',
    where: head,
    found: outputs.map(({ name, shape }) => `${name} [${shape.join(',')}]`).join(', '),
    expected,
    hint: 'choose another layout, or cut the network elsewhere with --output_names',
  });
}

/** Collects candidates of unknown number. */
export class CandidateList {
  readonly classes: number;
  readonly #boxes: number[] = [];
  readonly #scores: number[] = [];

  constructor(classes: number) {
    this.classes = classes;
  }

  /** A box by centre and size. */
  addCentred(x: number, y: number, width: number, height: number, score: (category: number) => number): void {
    this.addCorners(x - width / 2, y - height / 2, x + width / 2, y + height / 2, score);
  }

  addCorners(x0: number, y0: number, x1: number, y1: number, score: (category: number) => number): void {
    this.#boxes.push(x0, y0, x1, y1);
    for (let category = 0; category < this.classes; category++) this.#scores.push(score(category));
  }

  result(): Candidates {
    return { classes: this.classes, boxes: Float32Array.from(this.#boxes), scores: Float32Array.from(this.#scores) };
  }
}
