/*
 * The package `holdfast/producer`: for services that ask for sessions through the queue. It stands on BullMQ and ioredis; of ours
 * it knows the contract of the queue, and the client's types of what is the same there.
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
  Step,
} from './jobs';
export { SessionProducer, type AddOptions, type SessionProducerOptions } from './session-producer';
