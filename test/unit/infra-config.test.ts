import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Deployment, readDeployment } from '../../infra/config.ts';

/** Reads a deployment file with that text, and context values as the command line gives them. */
function read(text: string, context: Readonly<Record<string, string>> = {}): Deployment {
  const directory = mkdtempSync(join(tmpdir(), 'consumer-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const config = join(directory, 'deployment.yaml');
  writeFileSync(config, text);
  return readDeployment({ config, ...context });
}

describe('the deployment file', () => {
  test('needs nothing but a registry, found beside it', () => {
    const { registry, stackName, settings } = read('registry: my-registry.yaml');
    expect(registry).toMatch(/consumer-config-[^/]+\/my-registry\.yaml$/);
    expect(stackName).toBe('BackgroundConsumer');
    expect(settings).toEqual({});
  });

  test('is overridden on the command line, where numbers and switches come as texts', () => {
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
  ])('that says %s is refused with the path', (line, path) => {
    expect(() => read(`registry: r.yaml\n${line}`)).toThrow(path);
  });

  test('is not overridden by a setting that there is not, for a mistyped one would do nothing', () => {
    expect(() => read('registry: r.yaml', { lazyConcurency: '20' })).toThrow('-c lazyConcurency');
    expect(() => read('registry: r.yaml', { '@aws-cdk/core:x': 'a', 'cli-telemetry': 'b' })).not.toThrow();
  });

  test.each(['registry: [a', 'registry: a\nregistry: b'])('that is no YAML is told so: %s', (text) => {
    expect(() => read(text)).toThrow(/deployment\.yaml: .* at line/);
  });

  test('that is not there is asked for', () => {
    expect(() => readDeployment({})).toThrow('config');
  });
});
