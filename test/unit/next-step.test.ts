import { expect, it } from 'vitest';
import { withNextStep } from '../../shared/errors.ts';

it('joins a message and its next step as two sentences, even if the message ends with a period', () => {
  expect(withNextStep('Redis is down', 'Start it.')).toBe('Redis is down. Start it.');
  expect(withNextStep('the user is disabled.', 'Check it.')).toBe('the user is disabled. Check it.');
  expect(withNextStep('Redis is down', undefined)).toBe('Redis is down');
});
