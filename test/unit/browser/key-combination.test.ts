import { keysOf } from '../../../src/browser/key-combination';

test.each([
  ['Enter', ['Enter']],
  ['a', ['a']],
  ['+', ['+']],
  ['Control+A', ['Control', 'A']],
  ['Control+Shift+ArrowLeft', ['Control', 'Shift', 'ArrowLeft']],
  ['Control++', ['Control', '+']],
  ['Shift+ ', ['Shift', ' ']],
])('the keys of %j are %j', (combination, keys) => {
  expect(keysOf(combination)).toEqual(keys);
});
