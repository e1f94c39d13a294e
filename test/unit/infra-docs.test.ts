import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ALARM_NAMES } from '../../infra/constructs/alarm-names.ts';
import { SETTING_NAMES } from '../../infra/constructs/settings.ts';
import { HOPS } from '../../shared/operations.ts';

const read = (name: string) => readFileSync(`${import.meta.dirname}/../../docs/${name}`, 'utf8');

describe('the documents say something of', () => {
  test.each([...SETTING_NAMES])('the setting %s', (name) => {
    expect(read('deploy.md')).toContain(`\`${name}\``);
  });

  test.each(ALARM_NAMES)('the alarm %s', (name) => {
    expect(read('runbook.md')).toContain(`## ${name}\n`);
  });

  test.each(HOPS)('the hop %s', (hop) => {
    expect(read('runbook.md')).toMatch(new RegExp(`^\\| \`${hop}\` +\\|`, 'm'));
  });
});
