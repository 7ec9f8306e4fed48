/*
 * The package `holdfast/producer`: for services that ask for sessions through the queue. It needs BullMQ and ioredis.
 * Of Holdfast it contains only the contract of the queue, and the client's types where they are the same.
 */
export { isJobError, JobError, type JobErrorCode, type ProducerErrorCode } from './errors';
export type { CancelOutcome, JobHandle, ResultOptions } from './job-handle';
export type {
  CreateData,
  Deduplicated,
  ExtendData,
  LiveSessionView,
  Output,
  OutputFile,
  Progress,
  RunData,
  RunResult,
  SessionOutcome,
  SessionView,
  RunStep,
} from './jobs';
export { SessionProducer, type AddOptions, type SessionProducerOptions } from './session-producer';
