import { hasRevision } from '../../../src/http/edge/etag';
import { parsePrefer, preferenceApplied } from '../../../src/http/edge/prefer';

describe('Prefer', () => {
  it.each([
    [undefined, null, false],
    ['', null, false],
    ['wait=5', 5, false],
    ['Wait = "7"', 7, false],
    ['wait=0', 0, false],
    ['wait=100000', 120, false],
    ['wait=5, wait=9', 5, false],
    ['respond-async, wait=10', 10, true],
    ['RESPOND-ASYNC; x=y', null, true],
    ['wait=-1', null, false],
    ['wait=1.5', null, false],
    ['wait=', null, false],
    ['return=minimal, handling=strict', null, false],
    [['wait=3', 'respond-async'], 3, true],
  ])('reads %p as a wait of %p seconds, asynchronous %p', (header, waitSeconds, respondAsync) => {
    expect(parsePrefer(header)).toEqual({ waitSeconds, respondAsync });
  });

  it.each([
    ['', null],
    ['wait=500', 'wait=120'],
    ['wait=5, respond-async', 'respond-async, wait=5'],
  ])('is confirmed as it was applied: %p', (header, applied) => {
    expect(preferenceApplied(parsePrefer(header))).toBe(applied);
  });
});

describe('If-None-Match', () => {
  it.each([
    [undefined, false],
    ['"3"', true],
    ['W/"3"', true],
    ['"1", "3"', true],
    ['*', true],
    ['"33"', false],
    ['3', false],
    ['', false],
  ])('%p names revision 3: %p', (header, expected) => {
    expect(hasRevision(header, 3)).toBe(expected);
  });
});
