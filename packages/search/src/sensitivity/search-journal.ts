/**
 * Records of a search that may be interrupted at any moment. Lines are only ever appended. An implementation drops an
 * unfinished last line when it reads what an interrupted search left.
 */
export interface SearchJournal {
  /** Lines that an earlier search left, without line ends. */
  readonly lines: readonly string[];
  /** What to call it in messages: its file. */
  readonly where?: string;
  /** Adds lines; they are safe when the call returns or its promise is fulfilled. */
  append(lines: readonly string[]): void | Promise<void>;
}
