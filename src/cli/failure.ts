import { isHoldfastError, SessionEndedError, type SessionEnd } from '../client/errors';
import { messageOf } from '../core/errors';
import { harmless } from './columns';
import { Interrupted, ReportedFailure } from './exit-codes';
import { AmbiguousWord } from './find';
import type { Format } from './output';
import type { Terminal } from './terminal';

/**
 * Prints a failure on one line, `holdfast: <message> (<code>, request <id>)`; as a line of JSON if JSON was requested.
 */
export function printFailure(stderr: Terminal, thrown: unknown, format: Format | undefined): void {
  if (thrown instanceof ReportedFailure || (thrown instanceof Interrupted && thrown.message === '')) return;
  const message = harmless(messageOf(thrown)).trim();
  const known = isHoldfastError(thrown) ? thrown : null;
  if (format === 'json' || format === 'ndjson') {
    const ended = thrown instanceof SessionEndedError ? thrown : null;
    stderr.line(
      JSON.stringify({
        error: {
          code: known?.code ?? null,
          message,
          requestId: known?.requestId ?? null,
          ...(known === null || known.fields.length === 0 ? {} : { fields: known.fields }),
          ...(thrown instanceof AmbiguousWord ? { candidates: thrown.candidates } : {}),
          ...(ended === null ? {} : endOf(ended)),
        },
      }),
    );
    return;
  }
  const facts = [
    known?.code,
    known === null || known.requestId === null ? undefined : `request ${known.requestId}`,
  ];
  const details = facts.filter(fact => fact !== undefined).join(', ');
  stderr.line(`${stderr.paint('red', 'holdfast:')} ${message}${details === '' ? '' : ` (${details})`}`);
}

const endOf = ({ sessionId, sessionStatus, endReason }: SessionEnd): SessionEnd => ({
  sessionId,
  sessionStatus,
  endReason,
});

/** The requested output format, also if the command line cannot be parsed; undefined if there is none. */
export function formatAskedFor(argv: readonly string[]): Format | undefined {
  const asksForJson = argv.some((word, index) => {
    const value = /^(?:-o|--output=?)(.+)$/.exec(word)?.[1];
    const isOption = word === '-o' || word === '--output';
    return word === '--json' || /^(nd)?json$/.test((isOption ? argv[index + 1] : value) ?? '');
  });
  return asksForJson ? 'json' : undefined;
}
