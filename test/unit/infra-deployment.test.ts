import { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { readDeployment } from '../../infra/config.ts';
import { BackgroundConsumerStack } from '../../infra/stack.ts';
import { createDirectory, writeFile } from './infra-synthesize.ts';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:orders-AbCdEf';
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/1234abcd';
const GROUP = 'sg-0123456789abcdef0';

const TWO_POOLS_ON_ONE_SERVER = `
default:
  mysql: app@tcp(mysql.example.com:3306)/app
  redis: redis.example.com:6379:0
log:
  mysql: app@tcp(mysql.example.com:3306)/log
  redis: redis.example.com:6379:1:log
`;

/** The template of a deployment file, as `cdk synth` creates it. */
function synthesize(file: object, registry = TWO_POOLS_ON_ONE_SERVER): Template {
  const config = writeFile(JSON.stringify({ registry: writeFile(registry), ...file }));
  const context = { 'aws:cdk:bundling-stacks': [] };
  const app = new App({ context, analyticsReporting: false, outdir: createDirectory() });
  const deployment = readDeployment({ config });
  return Template.fromStack(new BackgroundConsumerStack(app, deployment.stackName, deployment));
}

const EXISTING_SERVER = { kind: 'existing', securityGroupId: GROUP, secretArn: SECRET };

describe('Two pools on one server', () => {
  const pools = { default: EXISTING_SERVER, log: EXISTING_SERVER };

  test('share one security group rule for each port, because EC2 rejects a duplicate', () => {
    const template = synthesize({ redisPools: pools, mysqlPools: pools });
    const rules = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'))
      .filter(({ Properties }) => Properties.GroupId === GROUP)
      .map(({ Properties }) => Properties.FromPort);
    expect(rules).toHaveLength(2);
    expect(new Set(rules)).toEqual(new Set([3306, 6379]));
  });

  test('share the connections that the server has available for the consumer', () => {
    const limited = { ...EXISTING_SERVER, maxConnections: 40 };
    synthesize({
      mysqlPools: { default: limited, log: { ...EXISTING_SERVER, host: 'another.example.com' } },
    });
    expect(() => synthesize({ mysqlPools: { default: limited, log: EXISTING_SERVER } })).toThrow(
      'mysqlPools.default.maxConnections: is 40, but lazyConcurrency 11 may open 56 connections across the 2 pools',
    );
  });
});

describe('A secret', () => {
  test('can be read and decrypted by the function that needs it, and nothing else is allowed', () => {
    const template = synthesize({ mysqlPools: { default: { ...EXISTING_SERVER, secretKeyArn: KEY } } });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          { Action: 'secretsmanager:GetSecretValue', Effect: 'Allow', Resource: SECRET },
          Match.objectLike({
            Action: 'kms:Decrypt',
            Resource: KEY,
            Condition: { StringEquals: { 'kms:ViaService': Match.anyValue() } },
          }),
        ]),
      },
    });
  });

  test('does not override the host from the deployment file, such as a proxy', () => {
    const proxied = synthesize({
      mysqlPools: { default: { ...EXISTING_SERVER, host: 'proxy.example.com' } },
    });
    expect(environmentsOf(proxied)).toContain('isAddressGiven');
    expect(environmentsOf(synthesize({ mysqlPools: { default: EXISTING_SERVER } }))).not.toContain(
      'isAddressGiven',
    );
  });
});

function environmentsOf(template: Template): string {
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  return JSON.stringify(functions.map(({ Properties }) => Properties.Environment));
}

test('A created server is open to the application, and its address and secret are outputs', () => {
  const created = { kind: 'created', clients: [GROUP] };
  const template = synthesize({ redisPools: { default: created }, mysqlPools: { default: created } });
  for (const port of [6379, 3306]) {
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      SourceSecurityGroupId: GROUP,
      FromPort: port,
      ToPort: port,
    });
  }
  const outputs = Object.keys(template.findOutputs('*'));
  expect(outputs.filter((name) => /(Address|SecretArn)/.test(name))).toHaveLength(4);
});

describe('A pool behind sentinels', () => {
  const registry = `
default:
  mysql: app@tcp(mysql.example.com)/app
  sentinel: { "main:0:shop": [a.example.com:26379, b.example.com:26379] }
`;

  test('opens the ports of the sentinels and the master in both security groups', () => {
    const template = synthesize({ redisPools: { default: EXISTING_SERVER } }, registry);
    for (const port of [26_379, 6379]) {
      template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', { GroupId: GROUP, FromPort: port });
      template.hasResourceProperties('AWS::EC2::SecurityGroupEgress', { FromPort: port });
    }
  });

  test('can be replaced with a single server in the deployment', () => {
    const template = synthesize(
      { redisPools: { default: { kind: 'existing', host: 'redis.example.com' } } },
      registry,
    );
    expect(environmentsOf(template)).not.toContain('sentinel');
  });
});

test('Descriptions of security groups and their rules contain only characters that EC2 accepts', () => {
  const vpc = {
    vpcId: 'vpc-0123456789abcdef0',
    availabilityZones: ['a', 'b'],
    subnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
  };
  const named = `
default: { mysql: "app@tcp(h)/app", redis: "h:1" }
"l'été": { mysql: "app@tcp(h)/app", redis: "h:1" }
`;
  const created = { kind: 'created' };
  const templates = [
    synthesize({ vpc, redisPools: { default: EXISTING_SERVER } }, named),
    synthesize({ redisPools: { "l'été": created }, mysqlPools: { "l'été": created } }, named),
  ];
  const descriptions = templates.flatMap((template) =>
    Object.entries(template.toJSON()['Resources'])
      .filter(([, resource]) => /SecurityGroup/.test(JSON.stringify(resource)))
      .flatMap(([, resource]) => JSON.stringify(resource).match(/"(Group)?Description":"[^"]*"/g) ?? []),
  );
  expect(descriptions.length).toBeGreaterThan(10);
  for (const description of descriptions)
    expect(description).toMatch(/^"\w+":"[A-Za-z0-9 ._:/()#,@[\]+=&;{}!$*-]{1,255}"$/);
});

describe('A deployment that cannot work is rejected with the path of the problem:', () => {
  const sockets = 'default: { mysql: "app@unix(/tmp/m.sock)/app", redis: "/tmp/redis.sock:0" }';
  const named = (mysql: string) => `default: { mysql: "${mysql}", redis: "h:1" }`;
  const created = { mysqlPools: { default: { kind: 'created' } } };

  test.each<[string, object, string?]>([
    ['mysqlPools.default.secretArn', { mysqlPools: { default: { kind: 'existing', secretArn: `${KEY}` } } }],
    [
      'redisPools.default.secretArn',
      { redisPools: { default: { kind: 'existing', secretArn: SECRET.slice(0, -7) } } },
    ],
    ['alarmTopicArn', { alarmTopicArn: SECRET }],
    ['redisPools.default.hots', { redisPools: { default: { kind: 'existing', hots: 'h' } } }],
    ['mysqlPools.default.host', {}, sockets],
    ['redisPools.default.host', created, sockets],
    [
      'mysqlPools.default.instanceType',
      { mysqlPools: { default: { kind: 'created', instanceType: 'db.t4g.micro' } } },
    ],
    [
      'mysqlPools.default.storageGb: applies to engine mysql only',
      { mysqlPools: { default: { kind: 'created', engine: 'aurora', storageGb: 20 } } },
    ],
    [
      'mysqlPools.default.minCapacity',
      { mysqlPools: { default: { kind: 'created', engine: 'aurora', minCapacity: 8 } } },
    ],
    ["a database named 'my-app'", created, named('app@tcp(h)/my-app')],
    ["a user named 'an-app'", created, named('an-app@tcp(h)/app')],
    ['parameter password', {}, named('app@tcp(h)/app?password=pl4nted')],
    [
      'vpc: has subnets in only one availability zone',
      {
        ...created,
        vpc: {
          vpcId: 'vpc-0123456789abcdef0',
          availabilityZones: ['a'],
          subnetIds: ['subnet-0123456789abcdef0'],
        },
      },
    ],
    ['declinedAlarms.deadLetters', { declinedAlarms: { deadLetters: 'no' } }],
    [
      'redisPools.default: the registry selects database 16',
      { redisPools: { default: { kind: 'created' } } },
      'default: { mysql: "app@tcp(h)/app", redis: "h:1:16" }',
    ],
    ['there is no such file', { registry: 'nowhere.yaml' }],
    ['the file cannot be read', { bindings: 'nowhere.yaml' }],
    ['nowhere.yaml', { searchMapping: 'nowhere.yaml' }],
  ])('%s', (path, file, registry) => {
    expect(() => synthesize(file, registry)).toThrow(path);
  });
});
