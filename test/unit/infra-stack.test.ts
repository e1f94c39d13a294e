import { readdirSync, statSync } from 'node:fs';
import { type Stack, Validations } from 'aws-cdk-lib';
import { Annotations, Match } from 'aws-cdk-lib/assertions';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, test } from 'vitest';
import { type CreateProps, configurationOf, createStack, synthesize } from './infra-synthesize.ts';

const PASSWORD = 'pl4nted-s3cret';

const WITH_PASSWORDS = `
default:
  mysql: app:${PASSWORD}@tcp(mysql.example.com:3306)/app
  redis: redis.example.com:6379:0?password=${PASSWORD}
`;

const importedVpc = (stack: Stack) =>
  Vpc.fromVpcAttributes(stack, 'Vpc', {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    isolatedSubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
  });

const secret = (stack: Stack, name: string) =>
  Secret.fromSecretCompleteArn(
    stack,
    name,
    `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${name}-AbCdEf`,
  );

const existing: CreateProps = (stack) => ({
  vpc: importedVpc(stack),
  redisPools: {
    default: {
      kind: 'existing',
      secret: secret(stack, 'redis'),
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'RedisGroup', 'sg-0123456789abcdef0'),
      isNoeviction: true,
    },
  },
  mysqlPools: {
    default: {
      kind: 'existing',
      secret: secret(stack, 'mysql'),
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'MysqlGroup', 'sg-0123456789abcdef1'),
    },
  },
});

const created: CreateProps = () => ({
  redisPools: { default: { kind: 'created' }, streams: { kind: 'created', engine: 'redis', replicas: 1 } },
  mysqlPools: { default: { kind: 'created' }, log: { kind: 'created', engine: 'aurora' } },
});

describe('The template', () => {
  test('starts the poller every minute, without retries and without events older than a minute', () => {
    const template = synthesize();
    template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
      Targets: [
        Match.objectLike({
          Input: '{"operation":"drain"}',
          RetryPolicy: { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 },
        }),
      ],
    });
    template.allResourcesProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumEventAgeInSeconds: 60,
      MaximumRetryAttempts: 0,
    });
  });

  test('disables the schedule when the consumer is paused', () => {
    synthesize(() => ({ enabled: false })).hasResourceProperties('AWS::Events::Rule', { State: 'DISABLED' });
  });

  test('runs Node 24 on arm64 and keeps logs for a month', () => {
    const template = synthesize();
    template.allResourcesProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
    });
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  });

  test('gives the poller no MySQL address, and the executor no Redis address', () => {
    const template = synthesize();
    expect(configurationOf(template, 'poller')).toContain('redis.example.com');
    expect(configurationOf(template, 'poller')).not.toContain('mysql.example.com');
    expect(configurationOf(template, 'executor')).toContain('mysql.example.com');
    expect(configurationOf(template, 'executor')).not.toContain('redis.example.com');
  });

  test('gives each function only the secrets of its own servers', () => {
    const template = synthesize(existing);
    const policies = Object.values(template.findResources('AWS::IAM::Policy')).map((policy) =>
      JSON.stringify(policy),
    );
    const withSecret = (name: string) => policies.filter((policy) => policy.includes(`secret:${name}`));
    expect(withSecret('redis')).toHaveLength(1);
    expect(withSecret('mysql')).toHaveLength(1);
    expect(withSecret('redis')[0]).toContain('lambda:InvokeFunction');
    expect(withSecret('mysql')[0]).not.toContain('lambda:InvokeFunction');
  });

  test('allows traffic only to the ports that are needed', () => {
    const template = synthesize(existing);
    template.allResourcesProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupEgress: Match.not(Match.arrayWith([Match.objectLike({ IpProtocol: '-1' })])),
    });
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'));
    const openPorts = rules.map(
      ({ Properties }) => `${Properties.GroupId} ${Properties.FromPort}-${Properties.ToPort}`,
    );
    expect(openPorts.toSorted()).toEqual([
      'sg-0123456789abcdef0 6379-6379',
      'sg-0123456789abcdef1 3306-3306',
    ]);
  });

  test('creates endpoints in a new VPC, but not in a given one unless asked to', () => {
    synthesize().resourceCountIs('AWS::EC2::VPCEndpoint', 2);
    synthesize(existing).resourceCountIs('AWS::EC2::VPCEndpoint', 0);
    synthesize((stack) => ({ ...existing(stack), endpoints: true })).resourceCountIs(
      'AWS::EC2::VPCEndpoint',
      2,
    );
    synthesize().resourceCountIs('AWS::EC2::NatGateway', 0);
  });

  test('creates servers that are encrypted, require a password, and never evict', () => {
    const template = synthesize(created);
    template.allResourcesProperties('AWS::ElastiCache::ReplicationGroup', {
      AtRestEncryptionEnabled: true,
      TransitEncryptionEnabled: true,
      AuthToken: Match.anyValue(),
    });
    template.allResourcesProperties('AWS::ElastiCache::ParameterGroup', {
      Properties: { 'maxmemory-policy': 'noeviction' },
    });
    template.hasResourceProperties('AWS::RDS::DBInstance', {
      StorageEncrypted: true,
      DeletionProtection: true,
    });
    template.hasResourceProperties('AWS::RDS::DBCluster', {
      StorageEncrypted: true,
      DeletionProtection: true,
    });
    template.allResourcesProperties('AWS::RDS::DBParameterGroup', {
      Parameters: Match.objectLike({ require_secure_transport: 'ON' }),
    });
  });

  test('never contains a password from the registry', () => {
    const template = synthesize((stack) => {
      const { redisPools = {}, mysqlPools = {} } = existing(stack);
      return { redisPools, mysqlPools };
    }, WITH_PASSWORDS);
    expect(JSON.stringify(template.toJSON())).not.toContain(PASSWORD);
  });

  test('reserves concurrency only when asked to, and then adds a second function for operations', () => {
    synthesize().allResourcesProperties('AWS::Lambda::Function', {
      ReservedConcurrentExecutions: Match.absent(),
    });
    const template = synthesize(() => ({ reservePoller: true, reserveExecutor: true, lazyConcurrency: 4 }));
    template.resourceCountIs('AWS::Lambda::Function', 3);
    template.hasResourceProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: 1 });
    template.hasResourceProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: 7 });
    template.hasResourceProperties('AWS::Lambda::Function', {
      Description: Match.stringLikeRegexp('operations'),
      ReservedConcurrentExecutions: Match.absent(),
    });
  });

  test('warns about servers with a loopback address in the registry, unless a host is given', () => {
    const registry = 'default: { mysql: "app@tcp(127.0.0.1)/app", redis: "localhost:6379" }';
    const warning = Match.stringLikeRegexp('mysqlPools.default: .*127.0.0.1');
    Annotations.fromStack(createStack(undefined, registry).stack).hasWarning('*', warning);
    const given = createStack(
      () => ({ mysqlPools: { default: { kind: 'existing', host: '127.0.0.1' } } }),
      registry,
    );
    Annotations.fromStack(given.stack).hasNoWarning('*', warning);
  });

  test('warns about an existing Redis server that may evict keys', () => {
    const { stack } = createStack();
    Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('redisPools.default.*noeviction'));
  });
});

describe('cdk-nag finds no problem', () => {
  test.each([
    ['existing', existing],
    ['created', created],
  ])('in a stack with %s pools', (_, props) => {
    const { app } = createStack(props);
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
    // Throws if a rule is violated and not acknowledged.
    expect(() => app.synth()).not.toThrow();
  });
});

describe('The bundles', () => {
  test('are smaller than 2 MB each', () => {
    const { app } = createStack(() => ({}), undefined, true);
    const { directory } = app.synth();
    const sizes = readdirSync(directory)
      .filter((name) => name.startsWith('asset.'))
      .map((name) => statSync(`${directory}/${name}/index.mjs`).size);
    expect(sizes).toHaveLength(2);
    for (const size of sizes) expect(size).toBeLessThan(2 * 1000 * 1000);
  });
});
