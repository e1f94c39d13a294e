import { fileURLToPath } from 'node:url';
import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IVpc, SecurityGroup, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat, SourceMapMode } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { CONFIGURATION_VARIABLE } from '../../shared/aws/deployed-configuration.ts';
import { acknowledge } from './acknowledge.ts';
import { propsError } from './problems.ts';

const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is older is not worth running: the next tick does the same. Lambda's least is a minute. */
const MAX_EVENT_AGE = Duration.seconds(60);

/** CommonJS packages in an ES module. */
const REQUIRE_BANNER =
  "import { createRequire as topLevelCreateRequire } from 'node:module';const require = topLevelCreateRequire(import.meta.url);";

/** Lambda's limit for all of a function's environment is 4 KB. */
const MAX_CONFIGURATION_BYTES = 3900;

/** What CloudFormation puts in, such as a secret's ARN, is longer than the token that stands for it here. */
const TOKEN = /\$\{Token\[[^\]]*\]\}/g;
const VALUE_OF_TOKEN = 'x'.repeat(120);

export interface ConsumerFunctionProps {
  /** The handler's file, from the project's root. */
  readonly entry: string;
  readonly description: string;
  /** Becomes JSON in the function's environment: no secrets. */
  readonly configuration: object;
  readonly vpc: IVpc;
  readonly vpcSubnets: SubnetSelection;
  readonly securityGroup: SecurityGroup;
  readonly architecture: 'arm64' | 'x86_64';
  readonly memoryMb: number;
  readonly timeout: Duration;
  readonly reservedConcurrency?: number;
  readonly logGroup: LogGroup;
}

/** A function of ours: bundled here by esbuild, with a role that may do nothing but write its log. */
export class ConsumerFunction extends NodejsFunction {
  constructor(scope: Construct, id: string, props: ConsumerFunctionProps) {
    const { vpc, vpcSubnets, description, timeout } = props;
    checkLength(id, props.configuration);
    super(scope, id, {
      entry: `${PROJECT_ROOT}${props.entry}`,
      handler: 'handler',
      description,
      runtime: Runtime.NODEJS_24_X,
      architecture: props.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: props.memoryMb,
      timeout,
      reservedConcurrentExecutions: props.reservedConcurrency,
      role: createRole(scope, `${id}Role`),
      vpc,
      vpcSubnets,
      securityGroups: [props.securityGroup],
      logGroup: props.logGroup,
      retryAttempts: 0,
      maxEventAge: MAX_EVENT_AGE,
      environment: {
        [CONFIGURATION_VARIABLE]: Stack.of(scope).toJsonString(props.configuration),
        NODE_OPTIONS: '--enable-source-maps',
      },
      projectRoot: PROJECT_ROOT,
      depsLockFilePath: `${PROJECT_ROOT}package-lock.json`,
      bundling: {
        format: OutputFormat.ESM,
        target: 'node24',
        mainFields: ['module', 'main'],
        minify: true,
        sourceMap: true,
        sourceMapMode: SourceMapMode.DEFAULT,
        sourcesContent: false,
        bundleAwsSDK: true,
        banner: REQUIRE_BANNER,
      },
    });
    props.logGroup.grantWrite(this);
  }
}

function checkLength(id: string, configuration: object): void {
  const bytes = Buffer.byteLength(JSON.stringify(configuration).replaceAll(TOKEN, VALUE_OF_TOKEN));
  if (bytes <= MAX_CONFIGURATION_BYTES) return;
  throw propsError(
    'registry',
    `the configuration of function ${id} has ${bytes} bytes; Lambda leaves room for some ${MAX_CONFIGURATION_BYTES}`,
    'Deploy two consumers, each with a registry of half the streams.',
  );
}

export function createLogGroup(
  scope: Construct,
  id: string,
  retention: number,
  removalPolicy: RemovalPolicy,
) {
  return new LogGroup(scope, id, { retention, removalPolicy });
}

function createRole(scope: Construct, id: string): Role {
  const role = new Role(scope, id, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  role.addToPolicy(
    new PolicyStatement({
      actions: [
        'ec2:CreateNetworkInterface',
        'ec2:DeleteNetworkInterface',
        'ec2:DescribeNetworkInterfaces',
        'ec2:DescribeSubnets',
        'ec2:AssignPrivateIpAddresses',
        'ec2:UnassignPrivateIpAddresses',
      ],
      resources: ['*'],
    }),
  );
  acknowledge(role, {
    'AwsSolutions-IAM5[Resource::*]':
      'Lambda joins a VPC by network interfaces whose names nobody knows before; EC2 offers no narrower resource.',
  });
  return role;
}
