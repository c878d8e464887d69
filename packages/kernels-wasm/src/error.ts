/** What a caller can do something with: which rule was broken, where, by what. Plain data, safe to post to a worker. */
export interface KernelErrorDetail {
  /** Dotted, stable, for programs: `kernels.memory.limit`. */
  readonly code: string;
  /** The function, file or export that refused. */
  readonly where?: string;
  readonly found?: string;
  readonly expected?: string;
  readonly hint?: string;
}

/**
 * The only error this package throws. Codes: `kernels.memory.limit`, `kernels.memory.size`, `kernels.memory.view`,
 * `kernels.binary.load`, `kernels.binary.stale`, `kernels.engine.relaxed-simd`, `kernels.call.arguments`, `kernels.call.trap`.
 */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly code: string;
  readonly where: string | undefined;
  readonly found: string | undefined;
  readonly expected: string | undefined;
  readonly hint: string | undefined;

  constructor(message: string, detail: KernelErrorDetail, options?: ErrorOptions) {
    super(`${message} [${detail.code}]`, options);
    this.code = detail.code;
    this.where = detail.where;
    this.found = detail.found;
    this.expected = detail.expected;
    this.hint = detail.hint;
  }
}
