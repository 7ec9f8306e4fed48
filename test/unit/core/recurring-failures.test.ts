import { createLogger } from '../../../src/core/logger';
import { RecurringFailures } from '../../../src/core/recurring-failures';

let said: string[];
let failures: RecurringFailures;

beforeEach(() => {
  said = [];
  const log = createLogger('worker', 'info', {
    write: line => {
      // SAFETY: pino writes one JSON object a line.
      const { what, msg } = JSON.parse(line) as { what: string; msg: string };
      said.push(`${what} ${msg}`);
    },
  });
  failures = new RecurringFailures(log, 'fails', 'works');
});

const full = (message: string): Error => Object.assign(new Error(message), { code: 'ENOSPC' });

it('tells a failure once, however often it is met', () => {
  for (const path of ['a', 'b', 'c']) failures.failed('disk', full(`no room for ${path}`));
  expect(said).toEqual(['disk fails']);
});

it('tells another reason, and every other thing that fails', () => {
  failures.failed('disk', full('no room'));
  failures.failed('disk', new Error('the disk is gone'));
  failures.failed('other disk', full('no room'));
  expect(said).toEqual(['disk fails', 'disk fails', 'other disk fails']);
});

it('tells once that it is over, and the next failure anew', () => {
  failures.worked('disk');
  failures.failed('disk', 'a text that was thrown');
  failures.worked('disk');
  failures.worked('disk');
  failures.failed('disk', 'a text that was thrown');
  expect(said).toEqual(['disk fails', 'disk works', 'disk fails']);
});

it('knows from a round over everything what is over', () => {
  failures.settle(
    new Map([
      ['a', new Error('no')],
      ['b', new Error('no')],
    ]),
  );
  failures.settle(new Map([['b', new Error('no')]]));
  failures.settle(new Map());
  expect(said).toEqual(['a fails', 'b fails', 'a works', 'b works']);
});
