import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Deployment, readDeployment } from '../../infra/config.ts';

/** Reads a deployment file with the given content, and context values as the command line passes them. */
function read(text: string, context: Readonly<Record<string, string>> = {}): Deployment {
  const directory = mkdtempSync(join(tmpdir(), 'consumer-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const config = join(directory, 'deployment.yaml');
  writeFileSync(config, text);
  return readDeployment({ config, ...context });
}

describe('A deployment file', () => {
  test('needs only a registry, whose path is relative to the file', () => {
    const { registry, stackName, settings } = read('registry: my-registry.yaml');
    expect(registry).toMatch(/consumer-config-[^/]+\/my-registry\.yaml$/);
    expect(stackName).toBe('BackgroundConsumer');
    expect(settings).toEqual({});
  });

  test('is overridden by the command line, where numbers and switches are strings', () => {
    const { settings } = read('registry: r.yaml\nlazyConcurrency: 5\ntail: true', {
      lazyConcurrency: '20',
      enabled: 'false',
      ordering: 'pool',
      allowedStatements: '["CALL"]',
    });
    expect(settings).toEqual({
      lazyConcurrency: 20,
      tail: true,
      enabled: false,
      ordering: 'pool',
      allowedStatements: ['CALL'],
    });
  });

  test.each([
    ['lazyConcurency: 20', 'lazyConcurency'],
    ['redisPools: { default: { kind: existing, port: 99999 } }', 'redisPools.default.port'],
    ['mysqlPools: { default: { kind: made } }', 'mysqlPools.default.kind'],
    ['mysqlPools: { default: { kind: existing, secretArn: my-secret } }', 'mysqlPools.default.secretArn'],
    [
      'vpc: { vpcId: vpc-0123456789abcdef0, availabilityZones: [a, b], subnetIds: [subnet-0123456789abcdef0] }',
      'vpc.subnetIds',
    ],
    ['alarmTopicArn: topic', 'alarmTopicArn'],
    ['declinedAlarms: { everything: because I say so }', 'declinedAlarms'],
  ])('with %s is rejected with the path of the problem', (line, path) => {
    expect(() => read(`registry: r.yaml\n${line}`)).toThrow(path);
  });

  test('rejects an unknown setting on the command line, which would otherwise be ignored silently', () => {
    expect(() => read('registry: r.yaml', { lazyConcurency: '20' })).toThrow('-c lazyConcurency');
    expect(() => read('registry: r.yaml', { '@aws-cdk/core:x': 'a', 'cli-telemetry': 'b' })).not.toThrow();
  });

  test.each(['registry: [a', 'registry: a\nregistry: b'])(
    'that is not valid YAML is rejected with the line: %s',
    (text) => {
      expect(() => read(text)).toThrow(/deployment\.yaml: .* at line/);
    },
  );

  test('is required', () => {
    expect(() => readDeployment({})).toThrow('config');
  });
});
