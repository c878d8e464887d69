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

/** The closing lines of every search but the time (search.md 5.4). */
export function resultLines({ int8Score, mixedScore, quantizeTable }: ResultFacts): string[] {
  return [
    `int8 outputs_cos:${fixed6(int8Score)} old`,
    `mix model outputs_cos:${fixed6(mixedScore)}`,
    `Output mix quantization table to ${quantizeTable}`,
  ];
}

/** `total time:667.644282579422` */
export function timeLine(seconds: number): string {
  return `total time:${pythonFloat(seconds)}`;
}
