import { fixed6, pythonFloat } from '../tensor-match.ts';

/** What ends a search that needed nothing: INT8 is near enough (search.md 5.2.3). The spelling is the original's. */
export function sufficientLine(int8Score: number, expectedCos: number): string {
  return (
    `job success, current int8 cos:${pythonFloat(int8Score)} is higher than ` +
    `expected_cos:${pythonFloat(expectedCos)},no need for mix precsion`
  );
}

export interface ResultFacts {
  readonly int8Score: number;
  readonly mixedScore: number;
  readonly quantizeTable: string;
}

/** A line of the original, or that there is nothing to say in it: a search that was stopped may not have come to the score. */
export function scoreLine(score: number, what: string, text: string): string {
  return Number.isNaN(score) ? `${what}: not known, the search was stopped before it was scored` : text;
}

/** The original's 0 for "no network was tried" stands only beside a score of INT8; without one nothing is known. */
export function mixedScoreOf({ int8Score, mixedScore }: Omit<ResultFacts, 'quantizeTable'>): number {
  return Number.isNaN(int8Score) ? Number.NaN : mixedScore;
}

/** How many layers are float, and the score of that network. */
export function setLine(count: number, score: number, print: (score: number) => string): string {
  const layers = `float layer number: ${count}`;
  return scoreLine(score, `${layers}, mix model`, `${layers}, mix model outputs_cos: ${print(score)}`);
}

/** The closing lines of every search but the time (search.md 5.4). */
export function resultLines({ int8Score, mixedScore, quantizeTable }: ResultFacts): string[] {
  return [
    scoreLine(int8Score, 'int8 model', `int8 outputs_cos:${fixed6(int8Score)} old`),
    scoreLine(mixedScore, 'mix model', `mix model outputs_cos:${fixed6(mixedScore)}`),
    `Output mix quantization table to ${quantizeTable}`,
  ];
}

/** `total time:667.644282579422` */
export function timeLine(seconds: number): string {
  return `total time:${pythonFloat(seconds)}`;
}
