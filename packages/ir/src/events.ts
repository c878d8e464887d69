/** Packages never print: they emit these, and the caller (command line, page) renders them. */
export type QEvent =
  | {
      readonly type: 'progress';
      readonly task: string;
      readonly done: number;
      readonly total: number;
      readonly label?: string;
    }
  | { readonly type: 'warning'; readonly code: string; readonly message: string; readonly where?: string }
  /** A line that TPU-MLIR's tool of the same name prints at this point. */
  | { readonly type: 'line'; readonly text: string };

export type Emit = (event: QEvent) => void;
