import { step } from '../../../src/browser/steps';

const click = (selector: string): boolean => step.safeParse({ do: 'click', selector }).success;

describe('the selector of a step', () => {
  it.each([
    'a',
    '#id > [href="a=b"]',
    '[data-x=y]',
    'text/Sign in',
    'text=Sign in',
    'aria/Sign in[role="button"]',
    'xpath=//a',
    'xpath///a',
    ':scope >>> li::-p-text(x=y)',
    '::-p-xpath(//a)',
  ])('may be %j', selector => {
    expect(click(selector)).toBe(true);
  });

  it.each([
    'role=button[name="Sign in"]',
    'css=a',
    'id=x',
    'data-testid=x',
    'internal:role=link',
    '//a',
    ' //a',
  ])('of Playwright is refused: %j', selector => {
    expect(click(selector)).toBe(false);
  });
});
