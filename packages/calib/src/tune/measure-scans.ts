import type { Kernels } from '@q/kernels-wasm';
import type { OpBench, Session } from '@q/runtime';
import { candidateOf, type Scan } from './scan.ts';

const SUMS = 6;
const SQUARED_DIFFERENCE = 3;
const MAGNITUDE = 4;
export const SUMS_BYTES = SUMS * 8;

/**
 * Distance of every candidate of every scan on the sample that `session` (which retains all values) has just run: the L2
 * norm of the difference of the op's result, over the L1 norm of the float result (calibration.md 7.4).
 */
export function measureScans(session: Session, scans: readonly Scan[], onOp: (opName: string) => void): Float64Array[] {
  const sums = session.allocate(SUMS_BYTES);
  let bench: OpBench | undefined;
  try {
    return scans.map((scan) => {
      if (bench?.op.name !== scan.evaluated) {
        bench?.dispose();
        bench = session.openOp(scan.evaluated);
        onOp(scan.evaluated);
      }
      const used = bench;
      return Float64Array.from({ length: scan.steps + 1 }, (_, i) =>
        distance(session, used, scan, candidateOf(scan, i), sums),
      );
    });
  } finally {
    bench?.dispose();
    session.release(sums);
  }
}

function distance(session: Session, bench: OpBench, scan: Scan, threshold: number, sums: number): number {
  for (const input of scan.inputs) {
    const slot = session.slot(input);
    quantizeSlot(session.kernels, slot, bench.slot(input), threshold);
  }
  bench.run();
  return relativeDistance(session.kernels, session.slot(scan.result), bench.slot(scan.result), sums);
}

/** Where float32 values lie. */
interface Place {
  readonly ptr: number;
  readonly length: number;
}

/** What codes of a clip bound hold of some values (calibration.md 7.4). `to` may be `from`. */
export function quantizeSlot(kernels: Kernels, from: Place, to: Pick<Place, 'ptr'>, threshold: number): void {
  kernels.exports.fakequant_symmetric(from.ptr, to.ptr, from.length, Math.fround(127 / threshold));
}

/** L2 norm of the difference over the L1 norm of the reference. `sums`: room of `SUMS_BYTES`. */
export function relativeDistance(
  { exports, memory }: Kernels,
  reference: Place,
  found: Pick<Place, 'ptr'>,
  sums: number,
): number {
  new Float64Array(memory.buffer, sums, SUMS).fill(0);
  exports.metrics_pair(reference.ptr, found.ptr, reference.length, sums);
  const result = new Float64Array(memory.buffer, sums, SUMS);
  return Math.sqrt(result[SQUARED_DIFFERENCE]!) / result[MAGNITUDE]!;
}
