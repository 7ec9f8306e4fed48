import { pino, type DestinationStream, type Logger } from 'pino';
import { LogOutput, stdoutLines } from './log-output';

export type { Logger } from 'pino';

/** Members whose values are removed from every log line, at its top and one level below: log nothing deeper whole. */
const REDACTED = [
  'authorization',
  'cookie',
  'token',
  'secret',
  '*.authorization',
  '*.cookie',
  '*.token',
  '*.secret',
  'headers["x-api-key"]',
  'headers["steel-api-key"]',
];

/**
 * The root logger of a process: one JSON line per event on stdout, ISO time, level as a word. It never waits for the
 * reader of its output, see {@link LogOutput}.
 *
 * @param service - `api`, `worker`, `keeper` or `supervisor`
 * @param destination - where lines go; tests look at them
 */
export function createLogger(
  service: string,
  level: string,
  destination: DestinationStream = stdoutLines(),
): Logger {
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
  };
  const log = pino(options, destination);
  if (destination instanceof LogOutput) {
    destination.onDropped = lines => log.warn({ lines }, 'log lines were dropped: stdout was not read');
  }
  return log;
}

/**
 * Removes secrets from a URL before it is logged: credentials, the values of all its parameters, and parts of the query
 * without a name.
 */
export function redactUrl(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//[redacted]@').replace(/([?&](?:[^=&#]*=)?)[^&#]*/g, '$1[redacted]');
}
