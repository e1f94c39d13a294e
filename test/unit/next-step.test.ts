import { expect, it } from 'vitest';
import { withNextStep } from '../../shared/errors.ts';

it('a message and its next step are two sentences, also where a server has ended its own', () => {
  expect(withNextStep('Redis is down', 'Start it.')).toBe('Redis is down. Start it.');
  expect(withNextStep('the user is disabled.', 'Check it.')).toBe('the user is disabled. Check it.');
  expect(withNextStep('Redis is down', undefined)).toBe('Redis is down');
});
