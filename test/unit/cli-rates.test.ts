import { describe, expect, it } from 'vitest';
import { Rates } from '../../cli/output/rates.ts';
import { channel, summary } from '../kit/cli-program.ts';

function rateAfter(rates: Rates, seconds: number, entries: number): number | undefined {
  return rates.update(summary({ seconds, channels: { lazy: channel({ entries }) } })).get('lazy');
}

describe('the rate of a channel', () => {
  it('covers the last five seconds', () => {
    const rates = new Rates();
    expect(rateAfter(rates, 2, 200)).toBe(100);
    expect(rateAfter(rates, 4, 1200)).toBe(300);
    expect(rateAfter(rates, 9, 2200)).toBe(200);
    expect(rateAfter(rates, 20, 2200)).toBe(0);
  });

  it('is 0 before any time has passed', () => {
    expect(rateAfter(new Rates(), 0, 5)).toBe(0);
  });
});
