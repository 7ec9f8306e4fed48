/** Why a job was taken out of its queue unhandled; each is also a label of a metric. */
export const CONTAINMENT_REASONS = [
  /** Its payload is larger than is looked at. */
  'oversized',
  /** Its payload is not what a job of its name has. */
  'malformed',
  'unknown_name',
  /** It failed until there was no attempt left. */
  'failed',
  /** It was taken up again and again and never ended. */
  'endless',
  /** It would begin later than anybody plans. */
  'too_far_delayed',
  /** BullMQ cannot read it: data, options, progress or parent are not JSON. */
  'not_json',
  /** It is in the queue, but no data of it is there. */
  'orphaned',
  /** It repeats, by a job scheduler. */
  'repeated',
  /** It is a parent or a child in a flow. */
  'flow',
  /** Something else stands where its queue, or the job itself, ought to be. */
  'damaged',
] as const;

/** @see CONTAINMENT_REASONS */
export type ContainmentReason = (typeof CONTAINMENT_REASONS)[number];

/** A job that is given up, with what has to be known of it by people. Any text in it may come from a stranger. */
export interface ContainedJob {
  readonly queue: string;
  readonly jobId: string;
  readonly name: string;
  readonly reason: ContainmentReason;
  readonly detail: string;
  /** Its payload as it was in Redis, JSON or not. */
  readonly data: string;
}
