import { QError } from '@q/ir';
import type { Arguments } from '../arguments/arguments.ts';

/** Precisions that a search mixes: the lower one, and the one of layers that suffer. */
interface MixMode {
  /** What the mode puts layers into; absent where layers are INT8 or float. */
  readonly fourBits?: 'INT4' | 'W4INT8';
  /** Why no processor here can. */
  readonly refused?: string;
}

/** All of TPU-MLIR v1.30. */
const MODES: ReadonlyMap<string, MixMode> = new Map<string, MixMode>([
  ['wi8ai8_fp', {}],
  ['wi4ai4_wi8ai8', { fourBits: 'INT4' }],
  ['wi4ai8_wi8ai8', { fourBits: 'W4INT8' }],
  ['wf8af8_fp', { refused: 'no processor here runs FP8' }],
  ...['wf4af16dyn_wf8af16dyn', 'wf4abf16dyn_wf8abf16dyn'].map(
    (name) => [name, { refused: 'no processor here quantizes to FP4 and FP8 while it runs, as sg2262 does' }] as const,
  ),
]);

/** Modes that are accepted. */
const KNOWN = [...MODES].filter(([, { refused }]) => refused === undefined).map(([name]) => name);

export const MIX_MODE_HELP =
  'precisions of search_qtable: wi8ai8_fp (INT8 and float), wi4ai4_wi8ai8 (INT4 and INT8; without a search: a table for it), ' +
  'wi4ai8_wi8ai8 (INT8 with weights in four bits where they do no harm) (default: wi8ai8_fp)';

/** @throws QError `cli.bad-flag-value`, `cli.not-in-this-version` */
export function mixModeOf(args: Arguments): MixMode {
  const found = args.string('mix_mode');
  const mode = MODES.get(found);
  const facts = { where: '--mix_mode', found, expected: KNOWN.join(', ') };
  if (mode === undefined)
    throw new QError(`--mix_mode ${found} is not known`, { code: 'cli.bad-flag-value', ...facts });
  if (mode.refused !== undefined) {
    const message = `not in this version: --mix_mode ${found}: ${mode.refused}`;
    throw new QError(message, { code: 'cli.not-in-this-version', ...facts });
  }
  return mode;
}
