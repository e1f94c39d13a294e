import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ALARM_NAMES } from '../../infra/constructs/alarm-names.ts';
import { SETTING_NAMES } from '../../infra/constructs/settings.ts';
import { FAILURE_STAGES } from '../../shared/operations.ts';

const read = (name: string) => readFileSync(`${import.meta.dirname}/../../docs/${name}`, 'utf8');

describe('The documentation describes', () => {
  test.each([...SETTING_NAMES])('the setting %s', (name) => {
    expect(read('deploy.md')).toContain(`\`${name}\``);
  });

  test.each(ALARM_NAMES)('the alarm %s', (name) => {
    expect(read('runbook.md')).toContain(`## ${name}\n`);
  });

  test.each(FAILURE_STAGES)('the failure stage %s', (stage) => {
    expect(read('runbook.md')).toMatch(new RegExp(`^\\| \`${stage}\` +\\|`, 'm'));
  });
});
