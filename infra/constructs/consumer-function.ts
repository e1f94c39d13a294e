import { fileURLToPath } from 'node:url';
import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat, SourceMapMode } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { CONFIGURATION_VARIABLE } from '../../shared/aws/deployed-configuration.ts';
import { acknowledge } from './acknowledge.ts';
import type { Network } from './network.ts';
import { propsError } from './problems.ts';

const PROJECT_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** An older event is not worth running, because the next run does the same work. Lambda's minimum is a minute. */
const maxEventAge = Duration.seconds(60);

/** Provides `require` to CommonJS packages that are bundled into an ES module. */
const REQUIRE_BANNER =
  "import { createRequire as topLevelCreateRequire } from 'node:module';const require = topLevelCreateRequire(import.meta.url);";

/** Lambda limits all environment variables of a function to 4 KB in total. */
const MAX_CONFIGURATION_BYTES = 3900;

/** A value that CloudFormation fills in, such as a secret's ARN, is longer than its token at synth. */
const TOKEN = /\$\{Token\[[^\]]*\]\}/g;
const TOKEN_VALUE = 'x'.repeat(120);

export interface ConsumerFunctionProps {
  /** File of the handler, relative to the project root. */
  readonly entry: string;
  readonly description: string;
  /** Passed to the function as JSON in an environment variable, so it must not contain secrets. */
  readonly configuration: object;
  readonly network: Network;
  readonly securityGroup: SecurityGroup;
  readonly architecture: 'arm64' | 'x86_64';
  readonly memoryMb: number;
  readonly timeout: Duration;
  readonly reservedConcurrency?: number;
  readonly logRetentionDays: number;
  /** What happens to the log when the stack is deleted. */
  readonly removal: RemovalPolicy;
}

/** A function of this project, bundled by esbuild. Its role allows VPC access and writing its log, and nothing else. */
export class ConsumerFunction extends NodejsFunction {
  constructor(scope: Construct, id: string, props: ConsumerFunctionProps) {
    checkSize(id, props.configuration);
    const { vpc, vpcSubnets } = props.network;
    const logGroup = new LogGroup(scope, `${id}Log`, {
      retention: props.logRetentionDays,
      removalPolicy: props.removal,
    });
    super(scope, id, {
      entry: `${PROJECT_ROOT}${props.entry}`,
      handler: 'handler',
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: props.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      memorySize: props.memoryMb,
      timeout: props.timeout,
      reservedConcurrentExecutions: props.reservedConcurrency,
      role: createRole(scope, `${id}Role`),
      vpc,
      vpcSubnets,
      securityGroups: [props.securityGroup],
      logGroup,
      retryAttempts: 0,
      maxEventAge,
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
    logGroup.grantWrite(this);
  }
}

/** Rejects a configuration that does not fit, because Lambda would report it only in the middle of a deployment. */
function checkSize(id: string, configuration: object): void {
  const bytes = Buffer.byteLength(JSON.stringify(configuration).replaceAll(TOKEN, TOKEN_VALUE));
  if (bytes <= MAX_CONFIGURATION_BYTES) return;
  throw propsError(
    'registry',
    `the configuration of function ${id} takes ${bytes} bytes, but a Lambda environment has room for about ${MAX_CONFIGURATION_BYTES}`,
    'Deploy two consumers, each with a registry that has half of the streams.',
  );
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
      'Lambda attaches functions to a VPC with network interfaces whose ARNs are not known in advance, and EC2 offers no narrower resource.',
  });
  return role;
}
