/** Why a job was put into quarantine; each is also a value of a metric's label. */
export const QUARANTINE_REASONS = [
  /** Its payload is larger than the limit. */
  'oversized',
  /** Its payload does not match the schema of its name. */
  'malformed',
  'unknown_name',
  /** Every attempt failed. */
  'failed',
  /** It was started too often without ever ending. */
  'endless',
  /** Its delay is longer than the limit. */
  'too_far_delayed',
  /** BullMQ cannot read it: data, options, progress or parent are not JSON. */
  'not_json',
  /** Its id is in the queue, but its data is missing. */
  'orphaned',
  /** It repeats, by a job scheduler. */
  'repeated',
  /** It is a parent or a child in a flow. */
  'flow',
  /** What is stored for its queue, or for the job itself, is not what BullMQ writes there. */
  'damaged',
] as const;

/** @see QUARANTINE_REASONS */
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number];

/**
 * A job that goes into quarantine, with what an operator needs to know of it. Any text in it may come from an untrusted
 * producer.
 */
export interface BadJob {
  readonly queue: string;
  readonly jobId: string;
  readonly name: string;
  readonly reason: QuarantineReason;
  readonly detail: string;
  /** Its payload as it was in Redis, JSON or not. */
  readonly data: string;
}
