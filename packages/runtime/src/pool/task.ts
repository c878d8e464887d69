/**
 * Work that a pool does in its workers. It is created once in every worker, from data that are copied there, and then
 * receives messages one after the other. Whatever it keeps between messages (a session, statistics) is that worker's own.
 */
export interface WorkerTask<Message = unknown, Reply = unknown> {
  run(message: Message): Reply | Promise<Reply>;
  /** Buffers of a reply that are moved instead of copied; the task must not use them afterwards. */
  transfer?(reply: Reply): Transferable[];
  dispose?(): void;
}

/** What a task module exports under the name `createTask`. */
export type TaskFactory<Init = unknown, Message = unknown, Reply = unknown> = (
  init: Init,
) => WorkerTask<Message, Reply> | Promise<WorkerTask<Message, Reply>>;
