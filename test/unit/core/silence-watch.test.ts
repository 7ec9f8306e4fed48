import { SilenceWatch } from '../../../src/core/silence-watch';

let nowMs: number;
let fired: number;
let watch: SilenceWatch;

beforeEach(() => {
  jest.useFakeTimers();
  nowMs = 0;
  fired = 0;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  watch = new SilenceWatch(clock, 3_000, () => (fired += 1));
  watch.start();
});

afterEach(() => {
  watch.stop();
  jest.useRealTimers();
});

/** Lets time pass in which this process runs. */
function run(ms: number): void {
  for (let passed = 0; passed < ms; passed += 250) {
    nowMs += 250;
    jest.advanceTimersByTime(250);
  }
}

/** Lets time pass in which this process does not run: its next check comes late. */
function stall(ms: number): void {
  nowMs += ms;
  jest.advanceTimersByTime(250);
}

test('silence fires once the limit is over, not before', () => {
  run(2_750);
  expect(fired).toBe(0);
  run(250);
  expect(fired).toBe(1);
});

test('a sign of life starts the whole limit again', () => {
  run(2_750);
  watch.reset();
  run(2_750);
  expect(fired).toBe(0);
  run(250);
  expect(fired).toBe(1);
});

test('a stall of this process does not count as silence of the other side', () => {
  run(2_000);
  stall(60_000);
  run(2_750);
  expect(fired).toBe(0);
  run(250);
  expect(fired).toBe(1);
});

test('a check that is a little late changes nothing', () => {
  run(1_500);
  stall(1_200);
  run(250);
  expect(fired).toBe(0);
  run(250);
  expect(fired).toBe(1);
});

test('silence that goes on fires again, and a watch that is stopped never fires', () => {
  run(6_000);
  expect(fired).toBe(2);
  watch.stop();
  run(6_000);
  expect(fired).toBe(2);
});
