import { pino, type Logger } from 'pino';

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
 * The root logger of a process: one JSON line per event on stdout, ISO time, level as a word.
 * Writing is synchronous, so that the last words of a dying process are not lost.
 *
 * @param service - `api`, `worker`, `keeper` or `supervisor`
 */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
  });
}

/** Takes secrets out of a URL before it is logged: everything but path and the names of its parameters. */
export function redactUrl(url: string): string {
  return url.replace(/([?&](?:token|apiKey|api_key|key)=)[^&]*/gi, '$1[redacted]');
}
