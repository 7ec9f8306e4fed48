import { pino, type DestinationStream, type Logger } from 'pino';
import { LogOutput, stdoutLines } from './log-output';

export type { Logger } from 'pino';

/** Paths that never reach a log line, wherever they turn up. */
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
 * The root logger of a process: one JSON line per event on stdout, ISO time, level as a word. It never waits for whoever
 * reads them, see {@link LogOutput}.
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
    destination.onDropped = lines => log.warn({ lines }, 'log lines were dropped: nobody took them');
  }
  return log;
}

/** Takes secrets out of a URL before it is logged: credentials, and the values of its parameters, whatever their names. */
export function redactUrl(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//[redacted]@').replace(/([?&][^=&#]*=)[^&#]*/g, '$1[redacted]');
}
